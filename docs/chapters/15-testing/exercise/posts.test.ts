import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../open-app.ts'

const ADA = { user: '1' }

const app = await openApp()
after(() => app.close())

test('a post is listed', () =>
  withRollback(app, async () => {
    const payload = { title: 'Tomatoes in June' }
    const stored = await app.inject({ method: 'POST', url: '/posts', headers: ADA, payload })
    assert.equal(stored.statusCode, 201)
    const listed = await app.inject('/posts')
    assert.equal(listed.json().length, 1)
  }))

// Your task: add tests that fail if a rule is broken. The README lists the rules.
