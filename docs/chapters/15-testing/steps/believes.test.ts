import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../open-app.ts'

const { app, ada: headers } = await openApp()
after(() => app.close())

test('the response has the new title', () =>
  withRollback(app, async () => {
    const post = { title: 'Tomatos', content: 'They grow.' }
    const stored = await app.inject({ method: 'POST', url: '/posts', headers, payload: post })
    const url = `/posts/${stored.json().id}`
    // #region believes
    const response = await app.inject({
      method: 'PUT',
      url,
      headers,
      payload: { ...post, title: 'Tomatoes' },
    })
    assert.equal(response.json().title, 'Tomatoes')
    // #endregion
  }))
