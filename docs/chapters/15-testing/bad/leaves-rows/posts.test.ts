import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../../open-app.ts'

const ADA = { user: '1' }
const BOB = { user: '2' }

const app = await openApp()
after(() => app.close())

// The mistake: a row stored outside of `withRollback` stays, so the next run finds two.
let url: string
before(async () => {
  const payload = { title: 'Tomatoes in June' }
  const response = await app.inject({ method: 'POST', url: '/posts', headers: ADA, payload })
  url = `/posts/${response.json().id}`
})

test('a post is listed', () =>
  withRollback(app, async () => {
    const posts = (await app.inject('/posts')).json()
    assert.ok(posts.length > 0)
  }))

test('only the owner deletes a post', () =>
  withRollback(app, async () => {
    assert.equal((await app.inject({ method: 'DELETE', url, headers: BOB })).statusCode, 403)
  }))
