import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { migrateToLatest } from '@auth-primer/migrations'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import { Redis } from 'ioredis'
import t from 'tap'
import { createKnex } from '../src/plugins/database.ts'
import { huntInProcess } from '../test/process.ts'

const CHECKOUT = resolve(import.meta.dirname, '../../..')
const REDIS_PASSWORD = 'sword%fish of quito'
const PASSWORD = 'a good password'
const GONE = /Redis cannot be used/g
const BACK = /Redis is back/g

const folder = await mkdtemp(join(tmpdir(), 'social-api-redis-'))
const redisPort = await freePort()
const database = await createTestDatabase()
const knex = createKnex(database.url, 4)
await migrateToLatest(knex)
await knex.destroy()

const running = new Set<Running>()
t.teardown(async () => {
  for (const one of running) await one.end('SIGKILL')
  await rm(folder, { recursive: true, force: true })
  await database.drop()
})

let redis = await startRedis()
const client = new Redis({ port: redisPort, password: REDIS_PASSWORD })
const [one, two] = [await startService(), await startService()]

t.test('two processes share what they count', async (t) => {
  t.equal(await signUp(one, 'ana@example.com'), 201)
  t.equal(await signUp(two, 'cleo@example.com'), 201)
  t.same(await statuses([one, two, one, two], signUpBadly), [422, 422, 429, 429])

  t.equal(await logIn(one, 'ana@example.com', 'wrong'), 403)
  // As after many failures: the next wait is one of minutes, which no slow machine outlasts.
  t.equal(await client.incrby(pairKey('account-and-address', 'ana@example.com'), 20), 21)
  t.equal(await logIn(two, 'ana@example.com', 'wrong'), 403)
  t.equal(await logIn(one, 'ana@example.com', 'wrong'), 429)
  t.equal(await logIn(two, 'ana@example.com', PASSWORD), 429)
})

t.test('of fifty wrong passwords at once, half of them at each, no more pass', async (t) => {
  await client.set(pairKey('account-and-address', 'ben@example.com'), 20, 'EX', 3_600)
  const attempts = Array.from({ length: 50 }, (_, index) =>
    logIn(index % 2 ? one : two, 'ben@example.com', 'no'),
  )
  const seen = await Promise.all(attempts)
  t.equal(seen.filter((status) => status === 403).length, 1)
  t.equal(seen.filter((status) => status === 429).length, 49)
})

t.test('a log-in is remembered, and forgives what went before at another process', async (t) => {
  const cleo = 'cleo@example.com'
  t.equal(await logIn(one, cleo, 'wrong'), 403)
  t.equal(await client.exists(pairKey('account-and-address', cleo)), 1)
  t.equal(await client.exists(pairKey('known', cleo)), 0)
  t.equal(await logIn(two, cleo, PASSWORD), 200)
  t.equal(await client.exists(pairKey('account-and-address', cleo)), 0)
  t.equal(await client.exists(pairKey('known', cleo)), 1)
})

t.test('what is in Redis has a prefix, an end, and nobody’s e-mail', async (t) => {
  const keys = await client.keys('*')
  t.ok(keys.length >= 6, keys.join())
  for (const key of keys) {
    t.match(key, /^social-api:throttle:/)
    const ttl = await client.ttl(key)
    t.ok(ttl !== -1 && ttl <= 30 * 86_400, `${key} ends in ${ttl} s`)
    t.notMatch(key, /example/)
  }
  client.disconnect()
})

t.test('when Redis is killed, both go on by themselves, and say so once', async (t) => {
  await redis.end('SIGKILL')
  await Promise.all([one.says(GONE), two.says(GONE)])
  for (const service of [one, two]) {
    const began = performance.now()
    t.same(await statuses(Array(6).fill(service), signUpBadly), [422, 422, 422, 422, 429, 429])
    t.ok(performance.now() - began < 5_000, 'and nothing hangs')
    t.equal(await logIn(service, 'cleo@example.com', PASSWORD), 200)
  }
})

t.test('a service starts without Redis, too', async (t) => {
  const three = await startService()
  await three.says(GONE)
  t.same(await statuses(Array(6).fill(three), signUpBadly), [422, 422, 422, 422, 429, 429])
  t.equal(await three.end('SIGTERM'), 0)
  t.equal(count(three, GONE), 1)
})

t.test('when Redis is back, it is used again', async (t) => {
  redis = await startRedis()
  await Promise.all([one.says(BACK), two.says(BACK)])
  t.same(await statuses([one, two, one, two, one, two], signUpBadly), [422, 422, 422, 422, 429, 429])
  for (const service of [one, two]) {
    t.equal(count(service, GONE), 1)
    t.equal(count(service, BACK), 1)
  }
})

t.test('when Redis is silent, nobody waits for it', async (t) => {
  redis.child.kill('SIGSTOP')
  const began = performance.now()
  const seen = await Promise.all(Array.from({ length: 40 }, () => logIn(one, 'nobody@example.com', 'wrong')))
  t.ok(
    seen.every((status) => status === 403 || status === 429),
    seen.join(),
  )
  t.ok(performance.now() - began < 10_000)
  await one.says(GONE, 2)
  redis.child.kill('SIGCONT')
  await one.says(BACK, 2)
  t.same([count(one, GONE), count(one, BACK)], [2, 2])
})

t.test('a wrong password of Redis is a warning, and is not shown', async (t) => {
  const service = await startService({ REDIS_URL: `redis://:another-secret@127.0.0.1:${redisPort}` })
  await service.says(GONE)
  t.equal(await signUpBadly(service), 422)
  await service.end('SIGTERM')
  t.equal(count(service, GONE), 1)
  t.notMatch(service.output(), 'another-secret')
})

t.test('a service ends when it is told to, and has printed no secret', async (t) => {
  for (const service of [one, two]) {
    t.equal(await service.end('SIGTERM'), 0)
    for (const text of [REDIS_PASSWORD, encodeURIComponent(REDIS_PASSWORD), PASSWORD, 'example.com'])
      t.notOk(service.output().includes(text), text)
  }
})

interface Running {
  readonly child: ChildProcess
  /** Standard output and error, so far. */
  output(): string
  /** Waits until the pattern has been printed so often; answers with the last match. */
  says(pattern: RegExp, times?: number): Promise<RegExpMatchArray>
  /** Sends the signal, and answers with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

interface Service extends Running {
  readonly url: string
}

function run(command: string, args: string[], env: Record<string, string> = {}): Running {
  const hunt = huntInProcess(env)
  const child = spawn(command, args, { cwd: CHECKOUT, env: { PATH: process.env.PATH, ...env, ...hunt.env } })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      child.emit('said')
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const program: Running = {
    child,
    output: () => text,
    async says(pattern, times = 1) {
      for (;;) {
        const found = [...text.matchAll(pattern)][times - 1]
        if (found) return found
        const code = await Promise.race([once(child, 'said').then(() => 'said'), ended])
        if (code !== 'said') throw new Error(`ended with ${code} and never said ${pattern}:\n${text}`)
      }
    },
    async end(signal) {
      child.kill('SIGCONT')
      child.kill(signal)
      const code = await ended
      if (running.delete(program)) hunt.end(text)
      return code
    },
  }
  running.add(program)
  return program
}

async function startRedis(): Promise<Running> {
  const server = run('redis-server', ['-'])
  server.child.stdin?.end(
    `port ${redisPort}\nbind 127.0.0.1\ndir ${folder}\nsave ""\nrequirepass "${REDIS_PASSWORD}"\n`,
  )
  await server.says(/Ready to accept connections/g)
  return server
}

async function startService(env: Record<string, string> = {}): Promise<Service> {
  const service = run(process.execPath, ['examples/social-api/dist/server.js'], {
    PORT: '0',
    DATABASE_URL: database.url,
    JWT_SECRET: 'a secret of the tests, long enough to sign with',
    BCRYPT_COST: '10',
    REDIS_URL: `redis://:${encodeURIComponent(REDIS_PASSWORD)}@127.0.0.1:${redisPort}`,
    THROTTLE_SIGN_UPS_PER_MINUTE: '4',
    THROTTLE_FAILED_LOGINS_PER_ACCOUNT: '4',
    ...env,
  })
  const [, url = ''] = await service.says(/Server listening at (http:\/\/[\d.:]+)/g)
  return Object.assign(service, { url })
}

async function post({ url }: Service, path: string, body: object): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  await response.arrayBuffer()
  return response.status
}

function signUpBadly(service: Service): Promise<number> {
  return post(service, '/users', { email: 'no address' })
}

function signUp(service: Service, email: string): Promise<number> {
  return post(service, '/users', { email, password: PASSWORD })
}

function logIn(service: Service, username: string, password: string): Promise<number> {
  return post(service, '/login', { username, password })
}

function pairKey(name: string, email: string): string {
  return `social-api:throttle:${name}:${createHash('sha256').update(email).digest('base64url')}:127.0.0.1`
}

/** One after the other. */
async function statuses(services: Service[], ask: (service: Service) => Promise<number>): Promise<number[]> {
  const seen = []
  for (const service of services) seen.push(await ask(service))
  return seen
}

function count(service: Service, pattern: RegExp): number {
  return [...service.output().matchAll(pattern)].length
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
