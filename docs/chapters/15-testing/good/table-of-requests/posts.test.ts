import assert from 'node:assert/strict'
import test, { after } from 'node:test'
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

test('a post is listed', () =>
  withRollback(app, async () => {
    await post('Tomatoes in June')
    assert.deepEqual(await list(), ['Tomatoes in June'])
  }))

// One row per rule: who does what with a post of Ada, and what Bob sees in the list afterwards.
const EDIT = { title: 'Edited', content: 'Other words.' }
const RULES = [
  { user: ada, method: 'PUT', payload: EDIT, status: 200, after: ['Edited'] },
  { user: bob, method: 'PUT', payload: EDIT, status: 403, after: ['Mine'] },
  { user: ada, method: 'DELETE', status: 204, after: [] },
  { user: bob, method: 'DELETE', status: 403, after: ['Mine'] },
] as const

for (const { user, method, status, after, ...body } of RULES) {
  test(`${method} by ${user === ada ? 'the owner' : 'somebody else'} is a ${status}`, () =>
    withRollback(app, async () => {
      const url = await post('Mine')
      const response = await app.inject({ method, url, headers: user, ...body })
      assert.equal(response.statusCode, status)
      assert.deepEqual(await list(bob), after)
    }))
}

test('a draft is not listed for others', () =>
  withRollback(app, async () => {
    await post('Not yet', false)
    assert.deepEqual(await list(bob), [])
  }))
