import { readdir } from 'node:fs/promises'
import t from 'tap'
import { attachPostgres, resetPostgres, stopPostgres } from '../src/index.ts'
import { dataDir, query } from './support.ts'

const dir = await dataDir(t)

t.test('stopPostgres() reports that no server is running, also without a cluster', async (t) => {
  t.same(await stopPostgres({ dir }), { outcome: 'not running', attached: 0 })
  t.same(await resetPostgres({ dir }), { outcome: 'not running', attached: 0 })
  t.same(await readdir(dir), [])
})

t.test('of several simultaneous stops, one stops the server, and none fails', async (t) => {
  const server = await attachPostgres({ dir, durable: false })
  const results = await Promise.all([1, 2, 3].map(() => stopPostgres({ dir, force: true })))
  t.ok(results.some(({ outcome }) => outcome === 'stopped'))
  t.notOk(results.some(({ outcome }) => outcome === 'in use'))
  await server.leave()
  t.same(await stopPostgres({ dir }), { outcome: 'not running', attached: 0 })
})

t.test('a process that attaches during a reset gets a working server', async (t) => {
  const user = async () => {
    const server = await attachPostgres({ dir, durable: false })
    t.same(await query(server.url, 'select 1 as one'), [{ one: 1 }])
    await server.leave()
  }
  await Promise.all([user(), resetPostgres({ dir }), user()])
})
