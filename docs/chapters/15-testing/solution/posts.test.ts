import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../open-app.ts'

const ADA = { user: '1' }
const BOB = { user: '2' }

const app = await openApp()
after(() => app.close())

// #region helpers
/** Returns the titles that everyone sees, read with another request. */
const titles = async () => (await app.inject('/posts')).json().map(({ title }: { title: string }) => title)

/** Stores a post of Ada and returns its path. */
async function post(title: string, published = true): Promise<string> {
  const payload = { title, published }
  const response = await app.inject({ method: 'POST', url: '/posts', headers: ADA, payload })
  assert.equal(response.statusCode, 201)
  return `/posts/${response.json().id}`
}
// #endregion

test('a post is listed', () =>
  withRollback(app, async () => {
    await post('Tomatoes in June')
    assert.deepEqual(await titles(), ['Tomatoes in June'])
  }))

test('a draft is not listed', () =>
  withRollback(app, async () => {
    await post('Not yet', false)
    assert.deepEqual(await titles(), [])
  }))

test('a new title is stored', () =>
  withRollback(app, async () => {
    const url = await post('Tomatos')
    await app.inject({ method: 'PUT', url, headers: ADA, payload: { title: 'Tomatoes' } })
    assert.deepEqual(await titles(), ['Tomatoes'])
  }))

// #region delete
test('only the owner deletes a post', () =>
  withRollback(app, async () => {
    const url = await post('Mine')
    assert.equal((await app.inject({ method: 'DELETE', url, headers: BOB })).statusCode, 403)
    assert.deepEqual(await titles(), ['Mine'])
    assert.equal((await app.inject({ method: 'DELETE', url, headers: ADA })).statusCode, 204)
    assert.deepEqual(await titles(), [])
  }))
// #endregion
