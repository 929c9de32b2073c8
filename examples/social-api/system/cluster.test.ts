import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { ClientResponse } from '../../../test-support/client.ts'
import { freePorts } from '../../../test-support/ports.ts'
import { PASSWORD, type Service, startBackends, toServiceUrl } from './cluster.ts'
import { CONTRACT, runContract } from './contract.ts'
import { count, createCaller, startNginx } from './deployed.ts'

const REQUESTS = /incoming request/g
const backends = await startBackends(t)
const { primary, startService } = backends
let bouncer = await backends.startBouncer()
const [tls, plain] = (await freePorts(2)) as [number, number]
let [one, two] = await Promise.all([startService(), startService()])
const nginx = await startNginx(t, { one: one.port, two: two.port, tls, plain })
const call = createCaller(tls, nginx.certificate)
const contract = {
  url: `https://127.0.0.1:${tls}`,
  databaseUrl: toServiceUrl(primary.url),
  certificateFile: nginx.certificateFile,
}

t.test('the contract holds through nginx, two processes and PgBouncer', async (t) => {
  const before = [one, two].map((service) => count(service, REQUESTS))
  await runContract(t, CONTRACT, contract)
  for (const [index, service] of [one, two].entries())
    t.ok(count(service, REQUESTS) > (before[index] ?? 0) + 100, 'both processes served requests')
})

t.test('a login at one process, and its end, count at the other', async (t) => {
  const email = 'gus@example.com'
  await signUp(email)
  const { body: login } = await json(one, '/login', { username: email, password: PASSWORD })
  const { body: next } = await json(two, '/token/refresh', login)
  t.type(next.refresh_token, 'string')
  t.equal((await json(one, '/token/refresh', login)).status, 401, 'a used token is rejected')
  t.equal((await json(two, '/token/refresh', next)).status, 401, 'the other process rejects the newest token')
})

t.test('PgBouncer shares a few Postgres connections among many connections from the processes', async (t) => {
  const { token } = await signUp('hal@example.com')
  const locker = await lock('posts')
  // Each process has nine transactions. Ten of all have a connection to Postgres, and the others wait for one.
  const writes = Array.from({ length: 20 }, (_, n) => write([one, two][n % 2] as Service, token, `w${n}`))
  await waitUntil(async () => (await readPools()).social_api?.sv_active === '10')
  await waitUntil(async () => Number((await readPools()).social_api?.cl_waiting) >= 5)
  t.match((await readPools()).social_api, { sv_active: '10', sv_idle: '0', pool_mode: 'transaction' })
  const backends = "select count(*)::int from pg_stat_activity where usename = 'social_api'"
  t.ok(Number((await primary.query(backends))[0]) <= 11, 'the connection of the lock, and at most ten others')
  await locker.release()
  t.same(new Set((await Promise.all(writes)).map(({ status }) => status)), new Set([201]))
})

t.test('if a process is killed during requests, the other process serves', async (t) => {
  const { token } = await signUp('ivy@example.com')
  const mine = await write(one, token, 'mine')
  const before = [one, two].map((service) => count(service, REQUESTS))
  const locker = await lock('posts')
  const post = (title: string) => call('POST', '/posts', { ...body({ title, content: '…' }), token })
  // nginx distributes them in turn, so each process gets one write and one read.
  const writes = [post('under way'), post('under way')]
  await waitUntil(async () => (await waiting('insert')) === 2)
  const reads = [0, 1].map(() => call('GET', `/posts/${mine.id}`, { token }))
  await waitUntil(() => [one, two].every((service, n) => count(service, REQUESTS) === (before[n] ?? 0) + 2))
  one.child.kill('SIGKILL')
  await one.waitForExit()
  await t.test('nginx repeats a GET at the other process, and the client gets a 200', async (t) => {
    await waitUntil(() => count(two, REQUESTS) >= (before[1] ?? 0) + 3)
    await locker.release()
    for (const { status } of await Promise.all(reads)) t.equal(status, 200)
  })
  await t.test(
    'nginx does not repeat a POST: the client gets a 503, and the post is stored at most once',
    async (t) => {
      const responses = await Promise.all(writes)
      const [stored, rejected] = responses.toSorted((a, b) => a.status - b.status)
      t.equal(stored?.status, 201)
      assertUnavailable(t, rejected)
      t.equal(await countPosts('under way'), 1)
    },
  )
  await t.test('after a kill, the other process serves, and checks the callers as before', (t) =>
    runContract(t, ['authorization'], contract),
  )
  await t.test('a process that is started again gets requests again', async (t) => {
    one = await startService({}, one.port)
    await waitUntil(async () => {
      t.equal((await call('GET', '/ready')).status, 200)
      return count(one, REQUESTS) > 3
    })
  })
})

t.test(
  'if a process is killed under load, no acknowledged post is lost, and none is stored twice',
  async (t) => {
    const { token } = await signUp('jon@example.com')
    const responses = new Map<string, Awaited<ReturnType<typeof call>>>()
    let isOver = false
    const client = async (name: number) => {
      for (let n = 0; !isOver; n++) {
        const title = `${name}-${n}`
        const written = await call('POST', '/posts', { ...body({ title, content: '…' }), token })
        responses.set(title, written)
        if (written.status !== 201) continue
        const { id } = JSON.parse(written.text)
        const read = await call('GET', `/posts/${id}`, { token })
        if (read.status !== 200) throw new Error(`a new post cannot be read: ${read.status} ${read.text}`)
      }
    }
    const clients = Promise.all(Array.from({ length: 16 }, (_, name) => client(name)))
    await Promise.race([clients, waitUntil(() => responses.size > 200)])
    two.child.kill('SIGKILL')
    await two.waitForExit()
    const atTheKill = responses.size
    await Promise.race([clients, waitUntil(() => responses.size > atTheKill + 200)])
    two = await startService({}, two.port)
    await Promise.race([clients, waitUntil(() => count(two, REQUESTS) > 200)])
    isOver = true
    await clients

    const rejected = [...responses.values()].filter(({ status }) => status !== 201)
    t.ok(
      rejected.length <= 16,
      `${rejected.length} of ${responses.size} were rejected, at most those under way`,
    )
    for (const response of rejected) assertUnavailable(t, response)
    const stored = await primary.query("select title from posts where title ~ '^[0-9]+-[0-9]+$'")
    t.equal(new Set(stored).size, stored.length, 'no post is stored twice')
    const lost = [...responses].filter(([title, { status }]) => status === 201 && !stored.includes(title))
    t.same(lost, [], 'no post is lost')
  },
)

t.test('without PgBouncer the responses are 503, and the processes recover when it is back', async (t) => {
  const { token } = await signUp('kim@example.com')
  bouncer.child.kill('SIGKILL')
  await bouncer.waitForExit()
  await assertDown(t, token)
  bouncer = await backends.startBouncer()
  await assertBack(t, token)
})

t.test('without the primary the responses are 503, and no acknowledged post is lost', async (t) => {
  const { token } = await signUp('lea@example.com')
  const { id } = await write(two, token, 'kept')
  await primary.stop('immediate')
  await assertDown(t, token)
  await primary.start(backends.primarySettings)
  await assertBack(t, token)
  t.equal((await call('GET', `/posts/${id}`, { token })).status, 200)
})

t.test('without any process, nginx responds with a problem document', async (t) => {
  for (const service of [one, two]) {
    service.child.kill('SIGTERM')
    t.equal(await service.waitForExit(), 0)
  }
  assertUnavailable(t, await call('GET', '/posts'))
})

/** Checks that routes that need the database respond with 503 quickly, and that the processes still run. */
async function assertDown(t: Test, token: string): Promise<void> {
  for (const { url } of [one, two]) {
    t.equal((await fetch(`${url}/health`)).status, 200)
    t.equal((await fetch(`${url}/ready`)).status, 503)
  }
  const began = performance.now()
  for (const [method, path] of [
    ['GET', '/posts'],
    ['POST', '/posts'],
  ] as const) {
    const response = await call(method, path, {
      token,
      ...(method === 'POST' && body({ title: 'a', content: 'b' })),
    })
    t.equal(response.status, 503)
    t.equal(JSON.parse(response.text).code, 'DATABASE_UNAVAILABLE')
  }
  t.ok(performance.now() - began < 15_000, 'no request waits long')
}

async function assertBack(t: Test, token: string): Promise<void> {
  for (const service of [one, two]) {
    await waitUntil(async () => (await fetch(`${service.url}/ready`)).status === 200)
    const { id } = await write(service, token, 'back')
    t.equal((await call('GET', `/posts/${id}`, { token })).status, 200)
  }
}

function assertUnavailable(t: Test, response: Awaited<ReturnType<typeof call>> | undefined): void {
  t.match(response, {
    status: 503,
    headers: { 'content-type': 'application/problem+json', 'retry-after': '2' },
  })
  t.match(JSON.parse(response?.text ?? ''), { code: 'OVERLOADED', status: 503 })
}

function body(value: object) {
  return { body: JSON.stringify(value), type: 'application/json' }
}

function bearer(token: string) {
  return { authorization: `Bearer ${token}` }
}

/** Sends a request directly to one of the processes. */
async function json(
  { url }: Service,
  path: string,
  value: object,
  token = '',
): Promise<Pick<ClientResponse, 'status' | 'body'>> {
  const headers = { 'content-type': 'application/json', ...(token && bearer(token)) }
  const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(value) })
  return { status: response.status, body: await response.json() }
}

async function signUp(email: string): Promise<{ token: string }> {
  await json(one, '/users', { email, password: PASSWORD })
  const { body: login } = await json(two, '/login', { username: email, password: PASSWORD })
  return { token: login.access_token }
}

async function write(
  service: Service,
  token: string,
  title: string,
): Promise<{ status: number; id: number }> {
  const { status, body: post } = await json(service, '/posts', { title, content: '…' }, token)
  return { status, id: post.id }
}

async function countPosts(title: string): Promise<number> {
  return (await primary.query(`select id from posts where title = '${title}'`)).length
}

/** Returns how many statements with this verb wait for a lock. */
async function waiting(verb: string): Promise<number> {
  const sql = `select pid from pg_stat_activity where wait_event_type = 'Lock' and query ~* '${verb}'`
  return (await primary.query(sql)).length
}

/** Locks a table, so that requests that need it stay under way. */
async function lock(table: string): Promise<{ release(): Promise<void> }> {
  const client = new pg.Client({ connectionString: primary.url })
  await client.connect()
  await client.query(`begin; lock table ${table} in access exclusive mode`)
  return { release: () => client.end() }
}

/** Returns the statistics of PgBouncer's pools, by the name of the database. */
async function readPools(): Promise<Record<string, Record<string, string>>> {
  const url = new URL(toServiceUrl(primary.url))
  url.port = `${backends.bouncerPort}`
  url.pathname = 'pgbouncer'
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  const { rows } = await client.query('show pools')
  await client.end()
  return Object.fromEntries(
    rows.map((row) => [
      row.database,
      Object.fromEntries(Object.entries(row).map(([k, v]) => [k, String(v)])),
    ]),
  )
}

async function waitUntil(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10)
}
