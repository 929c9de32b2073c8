import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../open-app.ts'

const headers = { user: '1' }
const app = await openApp()
after(() => app.close())

test('the response has the new title', () =>
  withRollback(app, async () => {
    const stored = await app.inject({ method: 'POST', url: '/posts', headers, payload: { title: 'Tomatos' } })
    const url = `/posts/${stored.json().id}`
    // #region believes
    const response = await app.inject({ method: 'PUT', url, headers, payload: { title: 'Tomatoes' } })
    assert.equal(response.json().title, 'Tomatoes')
    // #endregion
  }))
