import assert from 'node:assert/strict'
import test, { after, afterEach } from 'node:test'
import { openApp } from '../../open-app.ts'

const { app, ada, bob } = await openApp()
after(() => app.close())

const stored: string[] = []

// In place of `withRollback`: slower, and rows stay if the process crashes.
afterEach(async () => {
  for (const url of stored.splice(0)) await app.inject({ method: 'DELETE', url, headers: ada })
})

async function post(published = true): Promise<string> {
  const payload = { title: 'Tomatoes', content: 'They grow.', published }
  const response = await app.inject({ method: 'POST', url: '/posts', headers: ada, payload })
  assert.equal(response.statusCode, 201)
  const url = `/posts/${response.json().id}`
  stored.push(url)
  return url
}
const read = async (headers = ada) => (await app.inject({ url: '/posts', headers })).json()

test('POST', async () => {
  await post()
  assert.equal((await read()).length, 1)
})
test('drafts', async () => {
  await post(false)
  assert.equal((await read(bob)).length, 0)
})
test('PUT', async () => {
  const url = await post()
  await app.inject({ method: 'PUT', url, headers: ada, payload: { title: 'New', content: 'New' } })
  assert.equal((await read())[0].title, 'New')
})
test('DELETE', async () => {
  const url = await post()
  assert.notEqual((await app.inject({ method: 'DELETE', url, headers: bob })).statusCode, 204)
})
