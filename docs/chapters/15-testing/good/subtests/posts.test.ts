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

test('the rules', async (t) => {
  await t.test('a draft is hidden', () =>
    withRollback(app, async () => {
      await post('Not yet', false)
      assert.equal((await list(bob)).includes('Not yet'), false)
    }),
  )
  await t.test('an edit is stored', () =>
    withRollback(app, async () => {
      const url = await post('Tomatos')
      await app.inject({ method: 'PUT', url, headers: ada, payload: { title: 'Tomatoes', content: '.' } })
      assert.ok((await list()).includes('Tomatoes'))
    }),
  )
  await t.test('others cannot delete', () =>
    withRollback(app, async () => {
      const url = await post('Mine')
      await app.inject({ method: 'DELETE', url, headers: bob })
      assert.ok((await list()).includes('Mine'))
    }),
  )
})
