import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../../open-app.ts'

const { app, ada, bob } = await openApp()
after(() => app.close())

/** Returns the titles that a user sees, read with another request. */
async function list(headers = ada): Promise<string[]> {
  const response = await app.inject({ url: '/posts', headers })
  return response.json().map(({ title }: { title: string }) => title)
}

/** Stores a post of Ada and returns its path. */
async function post(title: string, published = true): Promise<string> {
  const payload = { title, content: 'They grow.', published }
  const response = await app.inject({ method: 'POST', url: '/posts', headers: ada, payload })
  assert.equal(response.statusCode, 201)
  return `/posts/${response.json().id}`
}

// The mistake: a row stored outside of `withRollback` stays, so the next run finds two.
let url: string
before(async () => {
  url = await post('Tomatoes in June')
})

test('a post is listed', () =>
  withRollback(app, async () => {
    assert.ok((await list()).length > 0)
  }))

test('only the owner deletes a post', () =>
  withRollback(app, async () => {
    assert.equal((await app.inject({ method: 'DELETE', url, headers: bob })).statusCode, 403)
  }))
