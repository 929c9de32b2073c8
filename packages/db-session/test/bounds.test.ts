/** Nothing grows with the number of statements, retries or requests. */
import http from 'node:http'
import type { FastifyRequest } from 'fastify'
import t from 'tap'
import type { QueryEvent } from '../src/index.ts'
import { openDatabase, raise, start, until, used } from './setup.ts'

const database = await openDatabase(t)

t.test('the timeline of a unit of work is bounded', async (t) => {
  const { app } = await start(t, database, () => {})
  const COUNT = 3_000
  await app.unitOfWork(async (db) => {
    for (let i = 0; i < COUNT; i += 100)
      await Promise.all(Array.from({ length: 100 }, () => db.query('select 1')))
    t.ok(db.timeline.length < COUNT / 2, `it has ${db.timeline.length} events`)
    t.ok(db.timeline.length > 50, 'it still has events')
    const before = db.timeline.length
    await Promise.all(Array.from({ length: 500 }, () => db.query('select 2')))
    t.ok(db.timeline.length <= before, 'it does not grow any further')
  })
})

t.test('the timeline of a session that reads in one message or commits early is bounded', async (t) => {
  const lengths: number[] = []
  const { app } = await start(t, database, () => {})
  await app.unitOfWork(
    async (db) => {
      for (let i = 0; i < 1_500; i += 100)
        await Promise.all(Array.from({ length: 100 }, () => db.query('select 1')))
      lengths.push(db.timeline.length)
    },
    { mode: 'read' },
  )
  await app.unitOfWork(async (db) => {
    for (let i = 0; i < 500; i++) {
      await db.query('select 1')
      await db.commit()
    }
    lengths.push(db.timeline.length)
  })
  t.ok(
    lengths.every((length) => length < 1_500),
    `they have ${lengths} events`,
  )
})

t.test('a short timeline is complete', async (t) => {
  const { app } = await start(t, database, () => {})
  let timeline: readonly QueryEvent[] = []
  await app.unitOfWork(async (db) => {
    for (let i = 0; i < 40; i++) await db.query('select 1')
    timeline = db.timeline
  })
  t.equal(timeline.filter(({ kind }) => kind === 'query').length, 40)
})

/** Every listener that a request could add. */
const listeners = ({ raw, socket }: FastifyRequest, response: http.ServerResponse) =>
  [raw, socket, response].flatMap((emitter) =>
    emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)] as const),
  )

t.test('a retry adds no event listener', async (t) => {
  const warnings: string[] = []
  const onWarning = (warning: Error) => warnings.push(warning.name)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const counts: string[] = []
  let runs = 0
  const { hit } = await start(
    t,
    database,
    (app) => {
      app.post('/statement', { config: { db: { retry: 20 } } }, async (request, reply) => {
        await request.db.query('select 1')
        counts.push(JSON.stringify(listeners(request, reply.raw)))
        if (++runs <= 15) await request.db.query(raise('40001'))
        return { runs }
      })
      app.post('/swallowed', { config: { db: { retry: 20 } } }, async (request, reply) => {
        await request.db.savepoint((savepoint) => savepoint.query('select 1'))
        for await (const _ of request.db.raw('select generate_series(1, 3)').stream()) break
        counts.push(JSON.stringify(listeners(request, reply.raw)))
        if (++runs <= 15) await request.db.query(raise('40P01')).catch(() => {})
        return { runs }
      })
    },
    { sleep: async () => {} },
  )
  for (const path of ['/statement', '/swallowed']) {
    runs = 0
    counts.length = 0
    t.match(await hit('POST', path), { status: 200, json: { runs: 16 } })
    t.equal(counts.length, 16)
    t.equal(counts[15], counts[1], `${path}: as many at the last run as at the second`)
  }
  await new Promise((resolve) => setImmediate(resolve))
  t.same(warnings, [])
})

t.test('requests on one socket and sessions on one connection add no event listener', async (t) => {
  const counts: string[] = []
  const { app, knex, base } = await start(
    t,
    database,
    (app) => {
      app.post('/', { config: { db: { retry: 2 } } }, async (request, reply) => {
        const { db } = request
        await db('users').insert({})
        await db.savepoint((savepoint) => savepoint.query('select 1'))
        for await (const _ of db.raw('select generate_series(1, 3)').stream()) break
        counts.push(JSON.stringify(listeners(request, reply.raw)))
        return {}
      })
    },
    { max: 1 },
  )
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const post = () =>
    new Promise<void>((resolve, reject) => {
      http
        .request(base, { method: 'POST', agent }, (response) => response.resume().on('end', resolve))
        .on('error', reject)
        .end()
    })
  const connectionListeners = async () => {
    const connection = await knex.client.acquireConnection()
    const inner = connection.connection
    const count = [connection, inner, inner.stream].map((emitter) =>
      emitter.eventNames().map((name: string) => [String(name), emitter.listenerCount(name)]),
    )
    await knex.client.releaseConnection(connection)
    return JSON.stringify(count)
  }
  await post()
  await post()
  const before = await connectionListeners()
  for (let i = 0; i < 20; i++) await post()
  t.equal(counts.at(-1), counts[1])
  t.equal(await connectionListeners(), before)
  for (let i = 0; i < 20; i++) await app.unitOfWork((db) => db.query('select 1'))
  for (let i = 0; i < 20; i++) await app.unitOfWork((db) => db.query('select 1/0')).catch(() => {})
  t.equal(await connectionListeners(), before)
  await until(() => used(knex) === 0)
})
