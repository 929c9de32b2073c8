import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setImmediate as immediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
// As it is published: tsx gives each closure a name of its own while a request runs.
import { type DbSession, dbSession } from '@auth-primer/db-session'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import fastifyPostgres from '@fastify/postgres'
import Fastify, { type FastifyInstance } from 'fastify'
import knexModule, { type Knex } from 'knex'
import pg from 'pg'

/*
 * Requests through `app.inject`, so that no HTTP client takes part; rounds of all variants in turn, in one run.
 * Of each variant the median round counts; two are compared round by round, and the median of these ratios counts:
 * a machine that others use too slows down neighbours alike. CPU is that of this process: the server and the
 * delay have their own.
 *
 * `autocommit`, `knex.transaction` and `session` have knex's builder make their SQL, the others have it written by
 * hand: for pg (`fastify-postgres`, `hand-written`, and `session.query` in a session) or for `knex.raw`, without a session
 * (`hand-written.raw`) and with one (`session.raw`). A session alone keeps a timeline, and sets limits
 * (`statement_timeout` and that of an idle transaction); `session.unlimited` sets none, so that it sends the same
 * statements as `hand-written` and `fastify-postgres` do.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    'at-once': { type: 'string', default: '8' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(
    `npm run bench -w packages/db-session -- [--rounds 15] [--at-once 8] [--only none|read|write|both]`,
  )
  process.exit()
}
const ROUNDS = Number(options.rounds)
const WHATS = ['none', 'read', 'write', 'both'].filter((what) => (options.only ?? what) === what)
/** In a round. Those without a query take so little time that there are more of them. */
const REQUESTS = { '0 ms': 1_000, '1 ms': 400 }
const REQUESTS_WITHOUT_QUERY = 10_000
const POOL = 10
const AT_ONCE = Number(options['at-once'])
const ABORTS = 100

const database = await createTestDatabase()
const admin = new pg.Client({ connectionString: database.url })
await admin.connect()
await admin.query(`create table items (id int primary key, n int not null default 0);
  insert into items select g from generate_series(1, 1000) g; analyze items`)

const { hostname, port } = new URL(database.url)
const delay = fork(new URL('delay.ts', import.meta.url), [hostname, port, '1'])
const [delayPort] = await once(delay, 'message')
const far = new URL(database.url)
far.host = `127.0.0.1:${delayPort}`

const id = () => 1 + Math.floor(Math.random() * 1_000)
const SELECT = 'select * from items where id = $1'
const UPDATE = 'update items set n = n + 1 where id = $1'
const RAW_SELECT = SELECT.replace('$1', '?')
const RAW_UPDATE = UPDATE.replace('$1', '?')
type Query = { query(sql: string, values?: unknown[]): Promise<{ rows: unknown[] }> }
/** The same work, in three hands: each answers with the row that was read, or with nothing. */
const byHand: Record<string, (db: Query) => Promise<unknown>> = {
  read: async (db) => (await db.query(SELECT, [id()])).rows[0],
  write: async (db) => void (await db.query(UPDATE, [id()])),
  both: async (db) => {
    const { rows } = await db.query(SELECT, [id()])
    await db.query(UPDATE, [id()])
    return rows[0]
  },
}
type Raw = { raw(sql: string, values: number[]): PromiseLike<{ rows: unknown[] }> }
const byRaw: Record<string, (db: Raw) => Promise<unknown>> = {
  read: async (db) => (await db.raw(RAW_SELECT, [id()])).rows[0],
  write: async (db) => void (await db.raw(RAW_UPDATE, [id()])),
  both: async (db) => {
    const { rows } = await db.raw(RAW_SELECT, [id()])
    await db.raw(RAW_UPDATE, [id()])
    return rows[0]
  },
}
const byKnex: Record<string, (db: Knex) => Promise<unknown>> = {
  read: async (db) => db('items').where({ id: id() }).first(),
  write: async (db) => void (await db('items').where({ id: id() }).increment('n')),
  both: async (db) => {
    const row = await db('items').where({ id: id() }).first()
    await db('items').where({ id: id() }).increment('n')
    return row
  },
}

async function begun<T extends Query>(client: T, work: (client: T) => Promise<unknown>): Promise<unknown> {
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    return result ?? {}
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

const pools = new WeakMap<FastifyInstance, { numUsed(): number }>()

async function serve(url: string): Promise<FastifyInstance> {
  const app = Fastify()
  const pool = { min: POOL, max: POOL }
  const knex = knexModule({ client: 'pg', connection: url, pool })
  const pgPool = new pg.Pool({ connectionString: url, max: POOL })
  await app.register(fastifyPostgres, { connectionString: url, max: POOL })
  app.get('/plain/none', async () => ({ ok: true }))
  for (const what of ['read', 'write', 'both']) {
    const hand = byHand[what] as (db: Query) => Promise<unknown>
    const built = byKnex[what] as (db: Knex) => Promise<unknown>
    app.get(`/autocommit/${what}`, async () => (await built(knex)) ?? {})
    app.get(`/knex.transaction/${what}`, async () => (await knex.transaction((trx) => built(trx))) ?? {})
    app.get(`/fastify-postgres/${what}`, async () => (await app.pg.transact((client) => hand(client))) ?? {})
    app.get(`/hand-written/${what}`, async () => {
      const client = await pgPool.connect()
      try {
        return await begun(client, hand)
      } finally {
        client.release()
      }
    })
    const raw = byRaw[what] as (db: Raw) => Promise<unknown>
    app.get(`/hand-written.raw/${what}`, async () => {
      const client = await knex.client.acquireConnection()
      const db = { raw: (sql: string, values: number[]) => knex.raw(sql, values).connection(client) }
      try {
        return await begun(client, () => raw(db))
      } finally {
        knex.client.releaseConnection(client)
      }
    })
  }
  await app.register(async (inner) => {
    const sessionKnex = knexModule({ client: 'pg', connection: url, pool })
    pools.set(app, sessionKnex.client.pool)
    await inner.register(dbSession, { knex: sessionKnex })
    inner.get('/session/none', async () => ({ ok: true }))
    sessionRoutes(inner, 'session', byKnex)
    sessionRoutes(inner, 'session.raw', byRaw)
    sessionRoutes(inner, 'session.query', byHand)
    inner.get('/asleep', async (request) => {
      await request.db.raw('select pg_sleep(60)')
    })
  })
  await app.register(async (inner) => {
    const unlimited = knexModule({ client: 'pg', connection: url, pool })
    await inner.register(dbSession, { knex: unlimited, statementTimeoutMs: 0, idleTimeoutMs: 0 })
    sessionRoutes(inner, 'session.unlimited', byHand)
  })
  app.addHook('onClose', async () => {
    await pgPool.end()
    await knex.destroy()
  })
  return app
}

function sessionRoutes(
  app: FastifyInstance,
  variant: string,
  work: Record<string, (db: DbSession) => Promise<unknown>>,
): void {
  app.get(
    `/${variant}/read`,
    { config: { db: { mode: 'read' } } },
    async (request) => (await work.read?.(request.db)) ?? {},
  )
  for (const what of ['write', 'both'])
    app.get(`/${variant}/${what}`, async (request) => (await work[what]?.(request.db)) ?? {})
}

interface Figure {
  perSecond: number
  cpu: number
  p99: number
}

async function measure(app: FastifyInstance, url: string, atOnce: number, requests: number): Promise<Figure> {
  let left = requests
  const times: number[] = []
  const cpu = process.cpuUsage()
  const started = performance.now()
  const one = async () => {
    while (left-- > 0) {
      const asked = performance.now()
      const { statusCode } = await app.inject(url)
      if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}`)
      times.push(performance.now() - asked)
      // where nothing is waited for, as in a route without a query, garbage would pile up
      if (left % 64 === 0) await immediate()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, one))
  const ms = performance.now() - started
  const { user, system } = process.cpuUsage(cpu)
  times.sort((a, b) => a - b)
  return {
    perSecond: (requests / ms) * 1_000,
    cpu: (user + system) / requests,
    p99: times[Math.floor(times.length * 0.99)] as number,
  }
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number

async function compare(app: FastifyInstance, what: string, variants: string[], requests: number) {
  const rounds: Record<string, Figure[]> = Object.fromEntries(variants.map((v) => [v, []]))
  // warm: compiled code, full pools
  for (const v of variants) await measure(app, `/${v}/${what}`, AT_ONCE, what === 'none' ? 20_000 : 2_000)
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < variants.length; i++) {
      const v = variants[(i + round) % variants.length] as string
      rounds[v]?.push(await measure(app, `/${v}/${what}`, AT_ONCE, requests))
    }
  }
  return rounds
}

/** Milliseconds from the abort of a request in `pg_sleep` until its slot is free again. */
async function abortOnce(base: string, pool: { numUsed(): number }): Promise<number> {
  const controller = new AbortController()
  const answer = fetch(`${base}/asleep`, { signal: controller.signal }).catch(() => {})
  const asleep =
    "select 1 from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()"
  while ((await admin.query(asleep)).rowCount === 0) await immediate()
  const aborted = performance.now()
  controller.abort()
  while (pool.numUsed() > 0) await immediate()
  await answer
  return performance.now() - aborted
}

const results: Record<string, Record<string, Figure[]>> = {}
for (const [network, url] of [
  ['0 ms', database.url],
  ['1 ms', far.href],
] as const) {
  const app = await serve(url)
  console.log(
    `\n${network} of network, pool of ${POOL}, ${AT_ONCE} requests at once, ${ROUNDS} rounds of ${REQUESTS[network]}`,
  )
  for (const what of WHATS) {
    // without a query there is nothing for the network to delay
    if (what === 'none' && network !== '0 ms') continue
    const variants =
      what === 'none'
        ? ['plain', 'session']
        : [
            'autocommit',
            'knex.transaction',
            'session',
            'fastify-postgres',
            'hand-written',
            'hand-written.raw',
            'session.raw',
            'session.query',
            'session.unlimited',
          ]
    const figures = await compare(
      app,
      what,
      variants,
      what === 'none' ? REQUESTS_WITHOUT_QUERY : REQUESTS[network],
    )
    results[`${network} ${what}`] = figures
    for (const [v, rounds] of Object.entries(figures)) {
      const perSecond = median(rounds.map((f) => f.perSecond))
      const cpu = median(rounds.map((f) => f.cpu))
      console.log(
        `  ${what.padEnd(6)} ${v.padEnd(17)} ${perSecond.toFixed(0).padStart(7)} req/s  ${cpu.toFixed(1).padStart(7)} µs CPU`,
      )
    }
  }
  const { p99 } = await measure(app, '/session/write', POOL * 10, REQUESTS[network] * 5)
  console.log(`  p99 of one write at ${POOL * 10} requests at once, ten times the pool: ${p99.toFixed(1)} ms`)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const base = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const freed: number[] = []
  for (let i = 0; i < ABORTS; i++) freed.push(await abortOnce(base, pools.get(app) as { numUsed(): number }))
  freed.sort((a, b) => a - b)
  const at = (share: number) => (freed[Math.ceil(share * freed.length) - 1] as number).toFixed(1)
  console.log(
    `  slot free after an abort, of ${ABORTS}: median ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms`,
  )
  await app.close()
}

console.log('\ngoal: how many times the req/s, and how many times less CPU; the median of the rounds')
const goals: [string, string, string, number][] = [
  ['none', 'session', 'plain', 0.95],
  ['read', 'session', 'knex.transaction', 1.5],
  ['read', 'session.unlimited', 'hand-written', 0.95],
  ['write', 'session', 'knex.transaction', 1.4],
  ['write', 'session.unlimited', 'fastify-postgres', 0.95],
]
/** How many times as good `of` is as `against`. */
function ratios(network: string, what: string, of: string, against: string): { speed: number; cpu: number } {
  const a = results[`${network} ${what}`]?.[of] ?? []
  const b = results[`${network} ${what}`]?.[against] ?? []
  return {
    speed: median(a.map((f, round) => f.perSecond / (b[round]?.perSecond as number))),
    cpu: median(a.map((f, round) => (b[round]?.cpu as number) / f.cpu)),
  }
}
const line = (network: string, what: string, of: string, against: string, speed: number, cpu: number) =>
  `${network} ${what.padEnd(5)} ${of.padEnd(17)} / ${against.padEnd(17)} req/s ${speed.toFixed(2)}  CPU ${cpu.toFixed(2)}`
for (const network of ['0 ms', '1 ms']) {
  for (const [what, of, against, goal] of goals) {
    if (results[`${network} ${what}`] === undefined) continue
    const { speed, cpu } = ratios(network, what, of, against)
    console.log(
      `  ${speed >= goal ? 'pass' : 'MISS'}  ${line(network, what, of, against, speed, cpu)}  (goal ${goal})`,
    )
  }
  for (const what of WHATS) {
    if (what === 'none') continue
    for (const [of, against] of [
      ['session', 'autocommit'],
      ['session.raw', 'hand-written.raw'],
      ['session.query', 'hand-written'],
      ['session.query', 'fastify-postgres'],
      ['session.query', 'autocommit'],
    ] as const) {
      const { speed, cpu } = ratios(network, what, of, against)
      console.log(`        ${line(network, what, of, against, speed, cpu)}`)
    }
  }
}

delay.kill()
await admin.end()
await database.drop()
