import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'

t.test('/ready is a 503 while migrations are pending', async (t) => {
  const { app, call } = await serve(t)
  t.equal((await call('GET', '/ready')).status, 200)
  const [last] = await app.knex('knex_migrations').orderBy('id', 'desc').limit(1)
  await app.knex('knex_migrations').where({ id: last.id }).delete()
  t.match(await call('GET', '/ready'), {
    status: 503,
    body: { code: 'DATABASE_UNAVAILABLE', detail: 'Migrations are pending.' },
  })
  t.equal((await call('GET', '/health')).status, 200)
  await app.knex('knex_migrations').insert(last)
  t.equal((await call('GET', '/ready')).status, 200)
})

t.test(
  'if the database does not respond, /ready is a 503, and simultaneous checks share one connection',
  async (t) => {
    let connections = 0
    const silent = createServer((socket) => {
      connections += 1
      socket.on('error', () => {})
    }).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    const { app, call } = await serve(t, { databaseUrl: `postgres://me@127.0.0.1:${port}/nothing` })
    t.teardown(() => silent.close())

    const responses = await Promise.all(Array.from({ length: 5 }, () => call('GET', '/ready')))
    for (const response of responses)
      t.match(response, { status: 503, body: { code: 'DATABASE_UNAVAILABLE' } })
    t.equal(connections, 1)
    t.equal(app.knex.client.pool.numUsed(), 0, 'no connection is held')
    t.equal((await call('GET', '/health')).status, 200)
  },
)

t.test('if the database refuses connections, /ready is an immediate 503', async (t) => {
  const { call } = await serve(t, { databaseUrl: 'postgres://me@127.0.0.1:1/nothing' })
  t.match(await call('GET', '/ready'), { status: 503, body: { code: 'DATABASE_UNAVAILABLE' } })
})
