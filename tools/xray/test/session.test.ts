import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openKnex } from '../../../test-support/database.ts'
import { createPageHeaders, serveXray } from './setup.ts'

const { app, url, call } = await serveXray(t)
const BENCH = '/xray/bench/session'

t.test('a request that succeeds leaves its row, and those that fail leave none', async (t) => {
  const schemas = () => app.knex('pg_namespace').where('nspname', 'xray')
  t.same(await schemas(), [], 'the schema does not exist until it is used')
  const rows = async () => (await call('GET', `${BENCH}/seats`)).body
  t.same(await rows(), [])
  t.equal((await schemas()).length, 1)

  t.equal((await call('POST', `${BENCH}/success`)).status, 201)
  const one = [{ seat: 1, taken_by: 'Ann' }]
  t.same(await rows(), one)

  for (const [way, status, code] of [
    ['constraint', 409, 'CONFLICT'],
    ['throw', 500, 'INTERNAL'],
    ['kill', 503, 'DATABASE_UNAVAILABLE'],
  ] as const) {
    const ends: string[] = []
    const note = (event: unknown) => ends.push((event as { kind: string; error?: string }).error ?? 'success')
    subscribe('auth-primer:db-session:commit', note)
    const response = await call('POST', `${BENCH}/${way}`)
    unsubscribe('auth-primer:db-session:commit', note)
    t.match([response.status, response.body.code], [status, code], way)
    t.same(ends, way === 'constraint' ? ['23505'] : [], 'only the constraint fails at COMMIT')
    t.same(await rows(), one, `${way} leaves no row`)
  }
  t.equal((await call('POST', `${BENCH}/success`)).status, 201, 'the service goes on')
  t.equal((await rows()).length, 2)
})

t.test('a client that disconnects has its transaction rolled back', async (t) => {
  const { body: before } = await call('GET', `${BENCH}/seats`)
  const gone = new AbortController()
  const undone = new Promise((resolve) => subscribe('auth-primer:db-session:rollback', resolve))
  const leaving = fetch(`${url}${BENCH}/disconnect`, {
    method: 'POST',
    headers: createPageHeaders(url),
    signal: gone.signal,
  })
  const sleeps = async () => {
    const { rows } = await app.knex.raw(
      `SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active' AND datname = current_database()`,
    )
    return rows.length > 0
  }
  while (!(await sleeps())) await sleep(5)
  gone.abort()
  await t.rejects(leaving)
  await undone
  t.notOk(await sleeps(), 'its statement was canceled')
  t.same((await call('GET', `${BENCH}/seats`)).body, before)
})

t.test(
  '50 requests on a pool of 5 are served or get a 503, and do not use the service’s own pool',
  async (t) => {
    const opened = new Set()
    app.knex.client.pool.on('acquireSuccess', (event: unknown) => opened.add(event))
    const crowd = call('POST', `${BENCH}/crowd`)
    // Samples on another connection until all requests are served.
    const observer = openKnex(app.knex.client.config.connection.connectionString, 1)
    const isServed = crowd.then(() => true)
    const atOnce: number[] = []
    while (!(await Promise.race([isServed, setImmediate(false)]))) {
      const { rows } = await observer.raw(
        `SELECT count(*)::int FROM pg_stat_activity WHERE query LIKE '%pg_sleep(0.1)%'
          AND pid <> pg_backend_pid() AND state = 'active' AND datname = current_database()`,
      )
      atOnce.push(rows[0].count)
    }
    await observer.destroy()
    const { status, body } = await crowd
    t.equal(status, 200)
    t.equal(body.length, 50)
    t.equal(opened.size, 0, 'the service’s pool opened no connection')
    const count = (wanted: number) => body.filter((one: { status: number }) => one.status === wanted).length
    t.equal(count(200) + count(503), 50)
    t.ok(count(200) > 0 && count(503) > 0, `${count(200)} served`)
    t.equal(new Set(body.map((one: { request: string }) => one.request)).size, 50)
    const served: { waitedMs: number; workedMs: number }[] = body.filter(
      ({ status }: { status: number }) => status === 200,
    )
    const worked = served.reduce((sum, { workedMs }) => sum + workedMs, 0)
    t.ok(worked >= served.length * 95, 'each had a connection for a tenth of a second')
    t.ok(Math.max(...atOnce) >= 1 && Math.max(...atOnce) <= 5, 'at most five at the same time')
  },
)

t.test('if the role may not create the table, the bench responds with an explanation', async (t) => {
  const { app, call } = await serveXray(t)
  const { rows } = await app.knex.raw('SELECT current_database() AS name')
  await app.knex.raw('ALTER DATABASE ?? SET default_transaction_read_only = on', [rows[0].name])
  // New connections can only read from now on.
  await app.knex.destroy()
  app.knex.initialize()
  for (const [method, path] of [
    ['GET', 'seats'],
    ['POST', 'success'],
  ] as const) {
    const { status, body } = await call(method, `${BENCH}/${path}`)
    t.match([status, body.code, body.detail], [409, 'CONFLICT', /schema of its own/], path)
  }
})

t.test('the bench keeps few rows, and drops its schema when the service stops', async (t) => {
  await call('GET', `${BENCH}/seats`)
  await app.knex('xray.seats').insert(Array.from({ length: 30 }, () => ({ taken_by: 'Ann' })))
  const { body } = await call('POST', `${BENCH}/success`)
  const [took] = body.took
  const rows = async () => (await call('GET', `${BENCH}/seats`)).body
  while ((await rows()).length > 12) await sleep(5)
  t.equal((await rows()).at(-1).seat, took, 'the newest are kept')

  await app.knex.raw('DROP SCHEMA xray CASCADE')
  t.same(await rows(), [], 'the schema is created again if another process has dropped it')

  const ran: string[] = []
  app.knex.on('query-response', (_response, { sql }) => ran.push(sql))
  await app.close()
  t.ok(ran.some((sql) => sql.includes('DROP SCHEMA IF EXISTS xray')))
})
