import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http'
import { migrateToLatest } from '@auth-primer/migrations'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { createKnex } from '../platform/database.ts'
import { createLogger } from '../platform/logging.ts'
import { type AppConfig, buildApp } from '../src/app.ts'
import { secretsHunt } from './secrets.ts'

export const SECRET = 'a secret of the tests, long enough to sign with'

/** Limits that no test meets but those about them. */
export const GENEROUS: AppConfig['throttles'] = {
  requestsPerMinute: 1_000_000,
  signUpsPerMinute: 1_000_000,
  failedLoginsPerAccount: 1_000_000,
  failedLoginsPerAddress: 1_000_000,
}

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what a client gets is what the tests are about
  body: any
}

export interface Call {
  token?: string
  json?: unknown
  form?: Record<string, string>
  text?: string | Uint8Array<ArrayBuffer>
  headers?: Record<string, string>
}

export interface TestService {
  app: FastifyInstance
  url: string
  call(method: string, path: string, call?: Call): Promise<Answer>
  /** Signs up, and answers with the user's id and a token. */
  signUp(email: string): Promise<{ id: number; token: string }>
}

const DEFAULTS = {
  poolMax: 5,
  jwtSecret: SECRET,
  accessTokenTtl: '30m',
  refreshTokenTtl: '30d',
  refreshFamilyTtl: '90d',
  bcryptCost: 10,
  hasDemoData: false,
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
      log: createLogger({ level: 'trace', readable: false, destination: hunt.log }),
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

  const call = async (
    method: string,
    path: string,
    { token, json, form, text, headers }: Call = {},
  ): Promise<Answer> => {
    const body = text ?? (json === undefined ? undefined : JSON.stringify(json))
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      body: form ? new URLSearchParams(form) : (body ?? null),
      redirect: 'manual',
    })
    return { status: response.status, headers: response.headers, body: parse(await response.text()) }
  }

  const signUp = async (email: string) => {
    const password = 'a good password'
    const { body: user } = await call('POST', '/users', { json: { email, password } })
    const { body: login } = await call('POST', '/login', { form: { username: email, password } })
    return { id: user.id as number, token: login.access_token as string }
  }

  return { app, url, call, signUp }
}

async function migrated() {
  const database = await createTestDatabase()
  const knex = createKnex(database.url, 4)
  await migrateToLatest(knex)
  await knex.destroy()
  return database
}

async function emptied(url = ''): Promise<{ url: string; drop(): Promise<void> }> {
  const knex = createKnex(url, 1)
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
      log: createLogger({ level: 'trace', readable: false, destination: hunt.log }),
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

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
