import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../open-app.ts'

const { app, ada: headers } = await openApp()
after(() => app.close())

test('a new title is stored', () =>
  withRollback(app, async () => {
    const post = { title: 'Tomatos', content: 'They grow.' }
    const stored = await app.inject({ method: 'POST', url: '/posts', headers, payload: post })
    const url = `/posts/${stored.json().id}`
    // #region reads-again
    await app.inject({ method: 'PUT', url, headers, payload: { ...post, title: 'Tomatoes' } })
    const [listed] = (await app.inject({ url: '/posts', headers })).json()
    assert.equal(listed.title, 'Tomatoes')
    // #endregion
  }))
