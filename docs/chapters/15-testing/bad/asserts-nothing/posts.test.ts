import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../../open-app.ts'

const ADA = { user: '1' }
const BOB = { user: '2' }

const app = await openApp()
after(() => app.close())

// The mistake: every route is called and the coverage is full, but nothing checks the responses.
test('a post is stored', () =>
  withRollback(app, async () => {
    const payload = { title: 'Tomatoes in June' }
    assert.ok(await app.inject({ method: 'POST', url: '/posts', headers: ADA, payload }))
  }))

test('only the owner deletes a post', () =>
  withRollback(app, async () => {
    assert.ok(await app.inject({ method: 'DELETE', url: '/posts/1', headers: BOB }))
  }))
