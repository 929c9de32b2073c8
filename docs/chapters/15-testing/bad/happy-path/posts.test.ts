import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { withRollback } from '@auth-primer/db-session'
import { openApp } from '../../open-app.ts'

const ADA = { user: '1' }

const app = await openApp()
after(() => app.close())

const titles = async () => (await app.inject('/posts')).json().map(({ title }: { title: string }) => title)

// The mistake: only Ada sends requests. Nothing tests what Bob must not do.
test('a post is stored, changed and deleted', () =>
  withRollback(app, async () => {
    const payload = { title: 'Tomatos' }
    const stored = await app.inject({ method: 'POST', url: '/posts', headers: ADA, payload })
    assert.equal(stored.statusCode, 201)
    const url = `/posts/${stored.json().id}`

    await app.inject({ method: 'PUT', url, headers: ADA, payload: { title: 'Tomatoes' } })
    assert.deepEqual(await titles(), ['Tomatoes'])

    const deleted = await app.inject({ method: 'DELETE', url, headers: ADA })
    assert.equal(deleted.statusCode, 204)
    assert.deepEqual(await titles(), [])
  }))
