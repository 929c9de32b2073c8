import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../../open-app.ts'

const { app, ada, bob } = await openApp()
after(() => app.close())

// The mistake: every route is called and the coverage is full, but nothing checks the responses.
test('a post is stored', () =>
  withRollback(app, async () => {
    const payload = { title: 'Tomatoes in June', content: 'They grow.' }
    assert.ok(await app.inject({ method: 'POST', url: '/posts', headers: ada, payload }))
  }))

test('only the owner deletes a post', () =>
  withRollback(app, async () => {
    assert.ok(await app.inject({ method: 'DELETE', url: '/posts/1', headers: bob }))
  }))
