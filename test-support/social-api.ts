import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import type { FastifyInstance } from 'fastify'
import type { Knex } from 'knex'
import type { Test } from 'tap'
import { createLogger } from '../examples/social-api/platform/logging.ts'
import { type AppConfig, buildApp } from '../examples/social-api/src/app.ts'
import { type ClientResponse, createClient, parse, type ServiceClient } from './client.ts'
import { migrate, openKnex } from './database.ts'
import { createSecretScanner, failOnSecrets } from './secrets.ts'

export const SECRET = 'a secret of the tests, long enough to sign with'

/** Limits that no test reaches, except the tests of the limits. */
export const GENEROUS: AppConfig['throttles'] = {
  requestsPerMinute: 1_000_000,
  signUpsPerMinute: 1_000_000,
  failedLoginsPerAccount: 1_000_000,
  failedLoginsPerAddress: 1_000_000,
}

export interface TestService extends ServiceClient {
  app: FastifyInstance
}

const DEFAULTS = {
  poolMax: 5,
  jwtSecret: SECRET,
  accessTokenTtl: '30m',
  refreshTokenTtl: '30d',
  refreshFamilyTtl: '90d',
  /** The lowest: a hash takes a millisecond. */
  bcryptCost: 4,
  hasDemoData: false,
  behindTls: false,
  throttles: GENEROUS,
  // The test runs in the same process and blocks the event loop; blocked for a whole sample, the delay is Infinity.
  pressure: { maxEventLoopDelay: 0 },
}

/**
 * Starts the service on a new database and a free port, for requests over HTTP. `prepare` is called before it listens.
 *
 * With `CONTRACT_URL` set, requests go to the service at that URL, whose tables are emptied first, and `app` is another
 * instance on the same database, `CONTRACT_DATABASE_URL`. A test that needs special options gets a new instance anyway.
 */
export async function serve(
  t: Test,
  options: Partial<AppConfig> = {},
  prepare: (app: FastifyInstance) => void = () => {},
): Promise<TestService> {
  const { CONTRACT_URL, CONTRACT_DATABASE_URL } = process.env
  const isElsewhere = CONTRACT_URL !== undefined && Object.keys(options).every((name) => name === 'poolMax')
  const database = isElsewhere ? await emptyDatabase(CONTRACT_DATABASE_URL) : await createMigrated()
  const scanner = createSecretScanner()
  scanner.add('secret', SECRET)
  scanner.add('secret', new URL(database.url).password)
  const app = await scanner.watchBuild(() =>
    buildApp({
      ...DEFAULTS,
      loggerInstance: createLogger({ level: 'trace', destination: scanner.log }),
      databaseUrl: database.url,
      ...options,
    }),
  )
  prepare(app)
  const url = isElsewhere ? CONTRACT_URL : await app.listen({ host: '127.0.0.1', port: 0 })
  scanner.watchServer(app.server)
  t.teardown(async () => {
    for (const hash of await app
      .knex('users')
      .pluck('password')
      .catch(() => []))
      scanner.add('hash', hash)
    await app.close()
    await database.drop()
    failOnSecrets(scanner)
  })

  return { app, ...createClient(url) }
}

async function createMigrated() {
  const database = await createTestDatabase()
  await migrate(database.url)
  return database
}

/** Empties the tables, and starts their ids at 1 again. */
export async function truncateTables(knex: Knex): Promise<void> {
  await knex.raw('TRUNCATE users, posts, votes RESTART IDENTITY CASCADE')
}

async function emptyDatabase(url = ''): Promise<{ url: string; drop(): Promise<void> }> {
  const knex = openKnex(url, 1)
  await truncateTables(knex)
  await knex.destroy()
  return { url, drop: async () => {} }
}

/** Builds the service without a database, for requests that need none. Send them with `app.inject`. */
export async function buildOffline(t: Test, options: Partial<AppConfig> = {}): Promise<FastifyInstance> {
  const scanner = createSecretScanner()
  scanner.add('secret', SECRET)
  const app = await scanner.watchBuild(() =>
    buildApp({
      ...DEFAULTS,
      loggerInstance: createLogger({ level: 'trace', destination: scanner.log }),
      databaseUrl: 'postgres://127.0.0.1:1/none',
      poolMax: 1,
      ...options,
    }),
  )
  t.teardown(async () => {
    await app.close()
    failOnSecrets(scanner)
  })
  return app
}

/** Sends a path unchanged: `fetch` would normalize it. */
export async function callRaw(
  url: string,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: OutgoingHttpHeaders } = {},
): Promise<ClientResponse> {
  const { hostname: host, port } = new URL(url)
  // In a URL, an IPv6 address has brackets.
  const hostname = host.replaceAll(/[[\]]/g, '')
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path, method, headers }, async (response) => {
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      const entries = Object.entries(response.headers).map(([name, value]): [string, string] => [
        name,
        String(value),
      ])
      resolve({ status: response.statusCode ?? 0, headers: new Headers(entries), body: parse(text) })
    })
      .on('error', reject)
      .end()
  })
}
