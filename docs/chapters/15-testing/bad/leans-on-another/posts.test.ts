import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { openApp } from '../../open-app.ts'

const { app, ada, bob } = await openApp()
after(() => app.close())

// The mistake: the second test needs the post of the first one, and cannot run without it.
let url = ''
test('a post is stored', async () => {
  const payload = { title: 'Mine', content: 'They grow.' }
  const response = await app.inject({ method: 'POST', url: '/posts', headers: ada, payload })
  assert.equal(response.statusCode, 201)
  url = `/posts/${response.json().id}`
})

test('only the owner deletes a post', async () => {
  assert.equal((await app.inject({ method: 'DELETE', url, headers: bob })).statusCode, 403)
  assert.equal((await app.inject({ method: 'DELETE', url, headers: ada })).statusCode, 204)
})
