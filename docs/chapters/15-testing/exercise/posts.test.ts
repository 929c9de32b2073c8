import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../open-app.ts'

const { app, ada } = await openApp()
after(() => app.close())

test('a post is listed', () =>
  withRollback(app, async () => {
    const payload = { title: 'Tomatoes in June', content: 'They grow.' }
    const stored = await app.inject({ method: 'POST', url: '/posts', headers: ada, payload })
    assert.equal(stored.statusCode, 201)
    const listed = await app.inject({ url: '/posts', headers: ada })
    assert.equal(listed.json().length, 1)
  }))

// Your task: add tests that fail if a rule is broken. The README lists the rules.
