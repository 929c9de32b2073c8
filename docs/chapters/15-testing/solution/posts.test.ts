import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../open-app.ts'

const ADA = { user: '1' }
const BOB = { user: '2' }

const app = await openApp()
after(() => app.close())

// #region helpers
/** What everybody sees, by a request of its own. */
const titles = async () => (await app.inject('/posts')).json().map(({ title }: { title: string }) => title)

/** A post of Ada’s, made anew for the test that needs one. */
async function post(title: string, published = true): Promise<string> {
  const payload = { title, published }
  const answer = await app.inject({ method: 'POST', url: '/posts', headers: ADA, payload })
  assert.equal(answer.statusCode, 201)
  return `/posts/${answer.json().id}`
}
// #endregion

test('a post is listed', () =>
  withRollback(app, async () => {
    await post('Tomatoes in June')
    assert.deepEqual(await titles(), ['Tomatoes in June'])
  }))

test('a draft is not', () =>
  withRollback(app, async () => {
    await post('Not yet', false)
    assert.deepEqual(await titles(), [])
  }))

test('a new title is there when it is read again', () =>
  withRollback(app, async () => {
    const url = await post('Tomatos')
    await app.inject({ method: 'PUT', url, headers: ADA, payload: { title: 'Tomatoes' } })
    assert.deepEqual(await titles(), ['Tomatoes'])
  }))

// #region delete
test('its owner deletes a post, and nobody else', () =>
  withRollback(app, async () => {
    const url = await post('Mine')
    assert.equal((await app.inject({ method: 'DELETE', url, headers: BOB })).statusCode, 403)
    assert.deepEqual(await titles(), ['Mine'])
    assert.equal((await app.inject({ method: 'DELETE', url, headers: ADA })).statusCode, 204)
    assert.deepEqual(await titles(), [])
  }))
// #endregion
