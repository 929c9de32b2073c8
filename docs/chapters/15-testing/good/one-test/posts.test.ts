import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../../open-app.ts'

const { app, ada, bob } = await openApp()
after(() => app.close())

test('the life of a post', () =>
  withRollback(app, async () => {
    const list = async (headers: typeof ada) => (await app.inject({ url: '/posts', headers })).json()
    const payload = { title: 'Tomatos', content: 'They grow.', published: false }
    const { id } = (await app.inject({ method: 'POST', url: '/posts', headers: ada, payload })).json()
    const url = `/posts/${id}`
    assert.equal((await list(bob)).length, 0)

    const edited = { ...payload, title: 'Tomatoes', published: true }
    await app.inject({ method: 'PUT', url, headers: ada, payload: edited })
    assert.equal((await list(bob))[0].title, 'Tomatoes')

    const refused = await app.inject({ method: 'DELETE', url, headers: bob })
    assert.strictEqual(refused.statusCode, 403)
    assert.equal((await list(ada)).length, 1)
  }))
