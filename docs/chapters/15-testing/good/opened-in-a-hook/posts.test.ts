import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../../open-app.ts'

let app: Awaited<ReturnType<typeof openApp>>['app']
let ada: { authorization: string }
let bob: typeof ada
before(async () => {
  const opened = await openApp()
  app = opened.app
  ada = opened.ada
  bob = opened.bob
})
after(async () => {
  await app.close()
})

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

test('only its owner sees a draft', () =>
  withRollback(app, async () => {
    await post('Not yet', false)
    assert.deepEqual(await list(ada), ['Not yet'])
    assert.deepEqual(await list(bob), [])
  }))

test('a new title is stored', () =>
  withRollback(app, async () => {
    const url = await post('Tomatos')
    const payload = { title: 'Tomatoes', content: 'They grow.' }
    await app.inject({ method: 'PUT', url, headers: ada, payload })
    assert.deepEqual(await list(), ['Tomatoes'])
  }))

test('only the owner deletes a post', () =>
  withRollback(app, async () => {
    const url = await post('Mine')
    assert.equal((await app.inject({ method: 'DELETE', url, headers: bob })).statusCode, 403)
    assert.deepEqual(await list(), ['Mine'])
    assert.equal((await app.inject({ method: 'DELETE', url, headers: ada })).statusCode, 204)
    assert.deepEqual(await list(), [])
  }))
