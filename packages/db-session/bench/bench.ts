import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate as immediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
// The published build: tsx would slow down each closure that is created in a request.
import { dbSession } from '@auth-primer/db-session'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import fastifyPostgres from '@fastify/postgres'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import knexModule, { type Knex } from 'knex'
import pg from 'pg'

const HELP = `Compares a session with other ways to use Postgres: npm run bench -w packages/db-session -- [options]

  --rounds 15              rounds of all variants in turn; the median round counts
  --at-once 8              concurrent requests
  --only none|read|write   one kind of route
  --network 0|1            milliseconds of network to Postgres; by default both

Exits with 1 if a goal is missed.`

/*
 * The requests go through `app.inject`, so no HTTP client takes part. Two variants are compared round by round: if
 * other programs use the machine, they slow down neighboring rounds alike.
 */

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    'at-once': { type: 'string', default: '8' },
    only: { type: 'string' },
    network: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(HELP)
  process.exit()
}
const ROUNDS = Number(options.rounds)
const AT_ONCE = Number(options['at-once'])
const POOL = 10
const KINDS = ['none', 'read', 'write'] as const
type Kind = (typeof KINDS)[number]
const VARIANTS: Record<Kind, readonly string[]> = {
  none: ['plain', 'session'],
  read: ['autocommit', 'knex.transaction', 'session', 'session.query', 'fastify-postgres'],
  write: ['autocommit', 'knex.transaction', 'session', 'session.query', 'fastify-postgres'],
}
/** At least this many times the requests per second of the other variant. */
const GOALS: readonly (readonly [network: number, Kind, of: string, against: string, goal: number])[] = [
  [0, 'none', 'session', 'plain', 0.95],
  [0, 'read', 'session', 'knex.transaction', 1.5],
  [1, 'read', 'session', 'knex.transaction', 2],
  [0, 'write', 'session', 'knex.transaction', 1.4],
  [1, 'write', 'session', 'knex.transaction', 1.4],
]

const SELECT = 'select * from items where id = $1'
const UPDATE = 'update items set n = n + 1 where id = $1'
const randomId = (): number => 1 + Math.floor(Math.random() * 1_000)

type Work<Db> = Record<'read' | 'write', (db: Db) => Promise<unknown>>
const withKnex: Work<Knex> = {
  read: (db) => db('items').where({ id: randomId() }).first(),
  write: (db) => db('items').where({ id: randomId() }).increment('n'),
}
const withSql: Work<{ query(sql: string, values: unknown[]): Promise<{ rows: unknown[] }> }> = {
  read: async (db) => (await db.query(SELECT, [randomId()])).rows[0],
  write: (db) => db.query(UPDATE, [randomId()]),
}

async function serve(url: string): Promise<FastifyInstance> {
  const app = Fastify()
  const pool = { min: POOL, max: POOL }
  const knex = knexModule({ client: 'pg', connection: url, pool })
  app.addHook('onClose', () => knex.destroy())
  await app.register(fastifyPostgres, { connectionString: url, max: POOL })
  const add = (
    to: FastifyInstance,
    variant: string,
    kind: Kind,
    work: (request: FastifyRequest) => Promise<unknown>,
  ) =>
    to.get(
      `/${variant}/${kind}`,
      { config: { db: kind === 'read' ? { mode: 'read' } : {} } },
      async (request) => {
        await work(request)
        return { ok: true }
      },
    )

  add(app, 'plain', 'none', async () => {})
  for (const kind of ['read', 'write'] as const) {
    add(app, 'autocommit', kind, () => withKnex[kind](knex))
    add(app, 'knex.transaction', kind, () => knex.transaction((trx) => withKnex[kind](trx)))
    add(app, 'fastify-postgres', kind, () => app.pg.transact((client) => withSql[kind](client)))
  }
  await app.register(async (inner) => {
    const sessionKnex = knexModule({ client: 'pg', connection: url, pool })
    await inner.register(dbSession, { knex: sessionKnex, closePools: true })
    add(inner, 'session', 'none', async () => {})
    for (const kind of ['read', 'write'] as const) {
      add(inner, 'session', kind, (request) => withKnex[kind](request.db))
      add(inner, 'session.query', kind, (request) => withSql[kind](request.db))
    }
  })
  return app
}

interface Figure {
  readonly perSecond: number
  /** Microseconds of this process per request: Postgres and the network run in other processes. */
  readonly cpu: number
}

async function measure(app: FastifyInstance, url: string, requests: number): Promise<Figure> {
  let left = requests
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const { statusCode } = await app.inject(url)
      if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}`)
      // a route that waits for nothing would let garbage pile up
      if (left % 64 === 0) await immediate()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const seconds = (performance.now() - startedAt) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: requests / seconds, cpu: (user + system) / requests }
}

/** The figures of each variant, round by round. */
async function compare(app: FastifyInstance, kind: Kind, network: number): Promise<Map<string, Figure[]>> {
  const requests = kind === 'none' ? 10_000 : network === 0 ? 1_000 : 400
  const variants = VARIANTS[kind]
  const figures = new Map(variants.map((variant) => [variant, [] as Figure[]]))
  // compiled code and full pools first
  for (const variant of variants) await measure(app, `/${variant}/${kind}`, requests * 2)
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < variants.length; turn++) {
      const variant = variants[(turn + round) % variants.length] as string
      figures.get(variant)?.push(await measure(app, `/${variant}/${kind}`, requests))
    }
  }
  return figures
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number

const database = await createTestDatabase()
const admin = new pg.Client({ connectionString: database.url })
await admin.connect()
await admin.query(`create table items (id int primary key, n int not null default 0);
  insert into items select g from generate_series(1, 1000) g; analyze items`)
await admin.end()

const { hostname, port } = new URL(database.url)
const delay = fork(new URL('delay.ts', import.meta.url), [hostname, port, '1'])
const [delayPort] = await once(delay, 'message')
const far = new URL(database.url)
far.host = `127.0.0.1:${delayPort}`

let misses = 0
for (const [network, url] of [
  [0, database.url],
  [1, far.href],
] as const) {
  if (options.network !== undefined && Number(options.network) !== network) continue
  console.log(`\n${network} ms of network, pool of ${POOL}, ${AT_ONCE} requests at once, ${ROUNDS} rounds`)
  const app = await serve(url)
  for (const kind of KINDS) {
    // a route without a statement does not use the network
    if ((options.only ?? kind) !== kind || (kind === 'none' && network > 0)) continue
    const figures = await compare(app, kind, network)
    for (const [variant, rounds] of figures) {
      const perSecond = median(rounds.map((figure) => figure.perSecond)).toFixed(0)
      const cpu = median(rounds.map((figure) => figure.cpu)).toFixed(1)
      console.log(
        `  ${kind.padEnd(5)} ${variant.padEnd(16)} ${perSecond.padStart(6)} req/s ${cpu.padStart(6)} µs CPU`,
      )
    }
    for (const [at, goalKind, of, against, goal] of GOALS) {
      if (at !== network || goalKind !== kind) continue
      const others = figures.get(against) as Figure[]
      const ratios = figures
        .get(of)
        ?.map(({ perSecond }, round) => perSecond / (others[round] as Figure).perSecond)
      const ratio = median(ratios as number[])
      if (ratio < goal) misses++
      console.log(
        `  ${ratio < goal ? 'MISS ' : 'pass '} ${of} / ${against}: ${ratio.toFixed(2)} (goal ${goal})`,
      )
    }
  }
  await app.close()
}
delay.kill()
await database.drop()
process.exitCode = misses === 0 ? 0 : 1
