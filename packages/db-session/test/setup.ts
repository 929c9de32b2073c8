import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import knexModule, { type Knex } from 'knex'
import pg from 'pg'
import type { Test } from 'tap'
import { type DbSessionOptions, dbSession } from '../src/index.ts'

export interface Database {
  /** The URL for the sessions under test: that of PgBouncer if DB_SESSION_TEST_VIA (host:port) is set. */
  readonly url: string
  /** A separate connection, directly to the server. */
  readonly other: pg.Client
  see(sql: string): Promise<unknown[]>
}

/** Creates a database for one test file, with the tables of the tests. */
export async function openDatabase(t: Test): Promise<Database> {
  const database = await createTestDatabase()
  const other = new pg.Client({ connectionString: database.url })
  other.on('error', () => {})
  await other.connect()
  await other.query(`
    create table users (id serial primary key, email text unique, parent int references users (id) deferrable initially deferred);
    create table posts (id serial primary key, owner_id int references users (id), title text);
    create table counter (n int);
    insert into counter values (0)`)
  t.teardown(async () => {
    await other.end()
    await database.drop()
  })
  const url = new URL(database.url)
  if (process.env.DB_SESSION_TEST_VIA) url.host = process.env.DB_SESSION_TEST_VIA
  return {
    url: url.href,
    other,
    see: async (sql) => (await other.query(sql)).rows.map((row) => Object.values(row)[0]),
  }
}

export function openKnex(url: string, max = 5, config: Knex.Config = {}): Knex {
  const quiet = { warn() {}, error() {}, debug() {}, deprecate() {} }
  return knexModule({ client: 'pg', connection: url, pool: { min: 0, max }, log: quiet, ...config })
}

export interface Running {
  readonly app: FastifyInstance
  readonly knex: Knex
  readonly base: string
  readonly log: Record<string, unknown>[]
  /** Sends one request. `seen` has the rows that another connection sees when the response's head has arrived. */
  hit(method: string, path: string, body?: unknown): Promise<TestResponse>
}
export interface TestResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: string
  readonly json: Record<string, unknown>
  readonly seen: unknown[]
}

/** Starts an app with the routes that `routes` adds. */
export async function start(
  t: Test,
  database: Database,
  routes: (app: FastifyInstance) => void | Promise<void>,
  options: { -readonly [K in keyof DbSessionOptions]?: DbSessionOptions[K] } & {
    max?: number
    server?: FastifyServerOptions
    seen?: string
  } = {},
): Promise<Running> {
  const { max = 5, server = {}, seen = 'select email from users order by id', ...rest } = options
  const log: Record<string, unknown>[] = []
  const stream = { write: (line: string) => void log.push(JSON.parse(line)) }
  const knex = rest.knex ?? openKnex(database.url, max)
  const app = Fastify({
    logger: { level: 'warn', stream },
    ...server,
  } as FastifyServerOptions) as FastifyInstance
  await app.register(dbSession, { knex, closePools: true, ...rest })
  await routes(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => {
    // fetch() opens sockets that it never uses, for which `close()` would wait
    app.server.closeAllConnections?.()
    return app.close()
  })
  const base = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return {
    app,
    knex,
    base,
    log,
    async hit(method, path, body) {
      const response = await fetch(base + path, {
        method,
        signal: AbortSignal.timeout(15_000),
        ...(body !== undefined && {
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }),
      })
      const rows = await database.see(seen)
      const text = await response.text()
      let json = {}
      if (text && response.headers.get('content-type')?.includes('application/json')) json = JSON.parse(text)
      return { status: response.status, headers: response.headers, body: text, json, seen: rows }
    },
  }
}

/** Waits until `check` returns true; calls it once per turn of the event loop. */
export async function until(check: () => unknown, what = 'the expected state'): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Sends a request on a new socket; `destroy()` disconnects it. */
export function send(url: string, method = 'POST'): http.ClientRequest {
  const request = http.request(url, { method, agent: false })
  request.on('error', () => {}).end()
  return request
}

/** Returns a statement that fails with this SQLSTATE. */
export function raise(sqlState: string): string {
  return `do $$ begin raise exception using errcode = '${sqlState}'; end $$`
}

/** Returns how many connections are in use. */
export function used(knex: Knex): number {
  return knex.client.pool.numUsed()
}

export async function rejection(work: PromiseLike<unknown>): Promise<Error & { code?: string }> {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not reject')
}

export { once }
