import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../../open-app.ts'

const { app, ada } = await openApp()
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

// The mistake: only Ada sends requests. Nothing tests what Bob must not do.
test('a post is stored, changed and deleted', () =>
  withRollback(app, async () => {
    const url = await post('Tomatos')
    const payload = { title: 'Tomatoes', content: 'They grow.' }
    await app.inject({ method: 'PUT', url, headers: ada, payload })
    assert.deepEqual(await list(), ['Tomatoes'])

    const deleted = await app.inject({ method: 'DELETE', url, headers: ada })
    assert.equal(deleted.statusCode, 204)
    assert.deepEqual(await list(), [])
  }))
