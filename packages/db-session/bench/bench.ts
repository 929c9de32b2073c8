import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import fastifyPostgres from '@fastify/postgres'
import Fastify, { type FastifyInstance } from 'fastify'
import knexModule, { type Knex } from 'knex'
import pg from 'pg'
import { dbSession } from '../src/index.ts'

/*
 * Requests through `app.inject`, so that no HTTP client takes part; rounds of all variants in turn, in one run.
 * Of each variant the median round counts. CPU is that of this process: the server and the delay have their own.
 */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 15)
const REQUESTS = Number(process.env.BENCH_REQUESTS ?? 400)
const POOL = 10
const AT_ONCE = 8

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
type Query = { query(sql: string, values?: unknown[]): Promise<unknown> }
const byHand: Record<string, (db: Query) => Promise<unknown>> = {
  read: (db) => db.query(SELECT, [id()]),
  write: (db) => db.query(UPDATE, [id()]),
  both: (db) => db.query(SELECT, [id()]).then(() => db.query(UPDATE, [id()])),
}
const byKnex: Record<string, (db: Knex) => Promise<unknown>> = {
  read: async (db) => db('items').where({ id: id() }).first(),
  write: async (db) => db('items').where({ id: id() }).increment('n'),
  both: async (db) => {
    await db('items').where({ id: id() }).first()
    await db('items').where({ id: id() }).increment('n')
  },
}

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
      await client.query('BEGIN')
      const result = await hand(client)
      await client.query('COMMIT')
      client.release()
      return result
    })
  }
  await app.register(dbSession, { knex: knexModule({ client: 'pg', connection: url, pool }) })
  app.get('/session/none', async () => ({ ok: true }))
  app.get('/session/read', { config: { db: { mode: 'read' } } }, async (request) => byKnex.read?.(request.db))
  for (const what of ['write', 'both'])
    app.get(`/session/${what}`, async (request) => (await byKnex[what]?.(request.db)) ?? {})
  app.addHook('onClose', async () => {
    await pgPool.end()
    await knex.destroy()
  })
  return app
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
  for (const v of variants) await measure(app, `/${v}/${what}`, AT_ONCE, 3_000)
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < variants.length; i++) {
      const v = variants[(i + round) % variants.length] as string
      rounds[v]?.push(await measure(app, `/${v}/${what}`, AT_ONCE, requests))
    }
  }
  return Object.fromEntries(
    variants.map((v) => [
      v,
      {
        perSecond: median(rounds[v]?.map((f) => f.perSecond) ?? []),
        cpu: median(rounds[v]?.map((f) => f.cpu) ?? []),
      },
    ]),
  )
}

const results: Record<string, Record<string, { perSecond: number; cpu: number }>> = {}
for (const [network, url] of [
  ['0 ms', database.url],
  ['1 ms', far.href],
] as const) {
  const app = await serve(url)
  console.log(
    `\n${network} of network, pool of ${POOL}, ${AT_ONCE} requests at once, ${ROUNDS} rounds of ${REQUESTS}`,
  )
  for (const what of ['none', 'read', 'write', 'both']) {
    const variants =
      what === 'none'
        ? ['plain', 'session']
        : ['autocommit', 'knex.transaction', 'fastify-postgres', 'hand-written', 'session']
    const figures = await compare(app, what, variants, what === 'none' ? REQUESTS * 10 : REQUESTS)
    results[`${network} ${what}`] = figures
    for (const [v, f] of Object.entries(figures)) {
      console.log(
        `  ${what.padEnd(6)} ${v.padEnd(17)} ${f.perSecond.toFixed(0).padStart(7)} req/s  ${f.cpu.toFixed(1).padStart(7)} µs CPU`,
      )
    }
  }
  const { p99 } = await measure(app, '/session/write', POOL * 10, REQUESTS * 5)
  console.log(`  p99 of one write at ${POOL * 10} requests at once, ten times the pool: ${p99.toFixed(1)} ms`)
  await app.close()
}

console.log('\ngoal, of req/s')
const goals: [string, string, number][] = [
  ['none', 'plain', 0.95],
  ['read', 'knex.transaction', 1.5],
  ['read', 'hand-written', 0.95],
  ['write', 'knex.transaction', 1.4],
  ['write', 'fastify-postgres', 1],
]
for (const network of ['0 ms', '1 ms']) {
  for (const [what, against, goal] of goals) {
    const figures = results[`${network} ${what}`]
    const ratio = (figures?.session?.perSecond ?? 0) / (figures?.[against]?.perSecond ?? 1)
    console.log(
      `  ${ratio >= goal ? 'pass' : 'MISS'}  ${network} ${what.padEnd(5)} session / ${against.padEnd(16)} ${ratio.toFixed(2)} (goal ${goal})`,
    )
  }
  for (const what of ['read', 'write', 'both']) {
    const figures = results[`${network} ${what}`]
    const share = (figures?.session?.perSecond ?? 0) / (figures?.autocommit?.perSecond ?? 1)
    console.log(`        ${network} ${what.padEnd(5)} session / autocommit       ${share.toFixed(2)}`)
  }
}

delay.disconnect()
await admin.end()
await database.drop()
