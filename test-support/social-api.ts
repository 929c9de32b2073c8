import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { createLogger } from '../examples/social-api/platform/logging.ts'
import { type AppConfig, buildApp } from '../examples/social-api/src/app.ts'
import { type Answer, createClient, parse, type ServiceClient } from './client.ts'
import { migrate, openKnex } from './database.ts'
import { secretsHunt } from './secrets.ts'

export const SECRET = 'a secret of the tests, long enough to sign with'

/** Limits that no test meets but those about them. */
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
  bcryptCost: 10,
  hasDemoData: false,

  behindTls: false,
  throttles: GENEROUS,
  // The test's own work is done in the same process, and holds it up; held up for a whole sample, it measures Infinity.
  pressure: { maxEventLoopDelay: 0 },
}

/**
 * The service on a database and a port of its own, spoken to over HTTP; `prepare` adds to it before it listens.
 *
 * With `CONTRACT_URL` set it is the one there that is spoken to, its tables emptied before, and `app` is one beside it on
 * the same database, `CONTRACT_DATABASE_URL`. Who asks for one that is special is given their own all the same.
 */
export async function serve(
  t: Test,
  options: Partial<AppConfig> = {},
  prepare: (app: FastifyInstance) => void = () => {},
): Promise<TestService> {
  const { CONTRACT_URL, CONTRACT_DATABASE_URL } = process.env
  const isElsewhere = CONTRACT_URL !== undefined && Object.keys(options).every((name) => name === 'poolMax')
  const database = isElsewhere ? await emptied(CONTRACT_DATABASE_URL) : await migrated()
  const hunt = secretsHunt()
  hunt.add('secret', SECRET)
  hunt.add('secret', new URL(database.url).password)
  const app = await hunt.listenToBuilding(() =>
    buildApp({
      ...DEFAULTS,
      loggerInstance: createLogger({ level: 'trace', readable: false, destination: hunt.log }),
      databaseUrl: database.url,
      ...options,
    }),
  )
  prepare(app)
  const url = isElsewhere ? CONTRACT_URL : await app.listen({ host: '127.0.0.1', port: 0 })
  hunt.listenTo(app.server)
  t.teardown(async () => {
    for (const hash of await app
      .knex('users')
      .pluck('password')
      .catch(() => []))
      hunt.add('hash', hash)
    await app.close()
    await database.drop()
    refuseWhatIsFound(hunt)
  })

  return { app, ...createClient(url) }
}

async function migrated() {
  const database = await createTestDatabase()
  await migrate(database.url)
  return database
}

async function emptied(url = ''): Promise<{ url: string; drop(): Promise<void> }> {
  const knex = openKnex(url, 1)
  await knex.raw('TRUNCATE users, posts, votes RESTART IDENTITY CASCADE')
  await knex.destroy()
  return { url, drop: async () => {} }
}

/** The service without a database, for requests that do not come as far as to need one: `app.inject` them. */
export async function buildOffline(t: Test, options: Partial<AppConfig> = {}): Promise<FastifyInstance> {
  const hunt = secretsHunt()
  hunt.add('secret', SECRET)
  const app = await hunt.listenToBuilding(() =>
    buildApp({
      ...DEFAULTS,
      loggerInstance: createLogger({ level: 'trace', readable: false, destination: hunt.log }),
      databaseUrl: 'postgres://127.0.0.1:1/none',
      poolMax: 1,
      ...options,
    }),
  )
  t.teardown(async () => {
    await app.close()
    refuseWhatIsFound(hunt)
  })
  return app
}

export function refuseWhatIsFound(hunt: ReturnType<typeof secretsHunt>): void {
  const found = hunt.found()
  if (found.length > 0) throw new Error(`The service showed what is secret:\n${found.join('\n')}`)
}

/** Sends a path as it is: `fetch` would mend it. */
export async function callRaw(
  url: string,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: OutgoingHttpHeaders } = {},
): Promise<Answer> {
  const { hostname: host, port } = new URL(url)
  // Of an IPv6 address a URL has brackets.
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
