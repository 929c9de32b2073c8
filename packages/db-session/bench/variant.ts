/** One variant of the benchmark, which measures when its parent asks: `node variant.ts <variant> <url> <requests at once>`. */
import { setImmediate as immediate } from 'node:timers/promises'
// The published build: tsx would slow down each closure that is created in a request.
import { dbSession } from '@auth-primer/db-session'
import fastifyPostgres from '@fastify/postgres'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import knexModule, { type Knex } from 'knex'

const [variant = '', url = '', atOnce = ''] = process.argv.slice(2)
const POOL = 10
export type Kind = 'none' | 'read' | 'write'

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

/** Builds an app that uses Postgres in one way only, as applications do. */
async function serve(): Promise<FastifyInstance> {
  const app = Fastify()
  const pool = { min: POOL, max: POOL }
  const openKnex = () => knexModule({ client: 'pg', connection: url, pool })
  const add = (kind: Kind, work: (request: FastifyRequest) => Promise<unknown>) =>
    app.get(`/${kind}`, { config: { db: kind === 'read' ? { mode: 'read' } : {} } }, async (request) => {
      await work(request)
      return { ok: true }
    })

  if (variant.startsWith('session')) await app.register(dbSession, { knex: openKnex(), closePools: true })
  add('none', async () => {})
  if (variant === 'plain') return app
  if (variant === 'fastify-postgres')
    await app.register(fastifyPostgres, { connectionString: url, max: POOL })
  const knex = variant === 'autocommit' || variant === 'knex.transaction' ? openKnex() : undefined
  app.addHook('onClose', () => knex?.destroy())
  for (const kind of ['read', 'write'] as const) {
    const ways: Record<string, (request: FastifyRequest) => Promise<unknown>> = {
      autocommit: () => withKnex[kind](knex as Knex),
      'knex.transaction': () => (knex as Knex).transaction((trx) => withKnex[kind](trx)),
      'fastify-postgres': () => app.pg.transact((client) => withSql[kind](client)),
      session: (request) => withKnex[kind](request.db),
      'session.query': (request) => withSql[kind](request.db),
    }
    add(kind, ways[variant] as (typeof ways)[string])
  }
  return app
}

export interface Figure {
  readonly perSecond: number
  /** Microseconds of this process per request: Postgres and the network run in other processes. */
  readonly cpu: number
}

/** Sends requests through `app.inject`, so no HTTP client takes part. */
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
  await Promise.all(Array.from({ length: Number(atOnce) }, worker))
  const seconds = (performance.now() - startedAt) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: requests / seconds, cpu: (user + system) / requests }
}

const app = await serve()
process.on('message', async ({ url, requests }: { url: string; requests: number }) =>
  process.send?.(await measure(app, url, requests)),
)
process.once('disconnect', () => app.close())
