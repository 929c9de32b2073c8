import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { ClientResponse } from '../../../test-support/client.ts'
import { freePorts } from '../../../test-support/ports.ts'
import { ofService, PASSWORD, type Service, startBackends } from './cluster.ts'
import { CONTRACT, runContract } from './contract.ts'
import { caller, count, startNginx } from './deployed.ts'

const REQUESTS = /incoming request/g
const backends = await startBackends(t)
const { primary, startService } = backends
let bouncer = await backends.startBouncer()
const [tls, plain] = (await freePorts(2)) as [number, number]
let [one, two] = await Promise.all([startService(), startService()])
const nginx = await startNginx(t, { one: one.port, two: two.port, tls, plain })
const call = caller(tls, nginx.certificate)
const contract = {
  url: `https://127.0.0.1:${tls}`,
  databaseUrl: ofService(primary.url),
  certificateFile: nginx.certificateFile,
}

t.test('the contract holds through nginx, two processes and PgBouncer', async (t) => {
  const before = [one, two].map((service) => count(service, REQUESTS))
  await runContract(t, CONTRACT, contract)
  for (const [index, service] of [one, two].entries())
    t.ok(count(service, REQUESTS) > (before[index] ?? 0) + 100, 'each of the two had its part')
})

t.test('a login and its end are the same to each process', async (t) => {
  const email = 'gus@example.com'
  await signUp(email)
  const { body: login } = await json(one, '/login', { username: email, password: PASSWORD })
  const { body: next } = await json(two, '/token/refresh', login)
  t.type(next.refresh_token, 'string')
  t.equal((await json(one, '/token/refresh', login)).status, 401, 'a spent token is seen again')
  t.equal((await json(two, '/token/refresh', next)).status, 401, 'and the other refuses the newest')
})

t.test('PgBouncer lends few connections of Postgres to many of the processes', async (t) => {
  const { token } = await signUp('hal@example.com')
  const locker = await lock('posts')
  // Each process has nine in a transaction: ten of them have a connection of Postgres, and the others wait for one.
  const writes = Array.from({ length: 20 }, (_, n) => write([one, two][n % 2] as Service, token, `w${n}`))
  await until(async () => (await pools()).social_api?.sv_active === '10')
  await until(async () => Number((await pools()).social_api?.cl_waiting) >= 5)
  t.match((await pools()).social_api, { sv_active: '10', sv_idle: '0', pool_mode: 'transaction' })
  const backends = "select count(*)::int from pg_stat_activity where usename = 'social_api'"
  t.ok(Number((await primary.query(backends))[0]) <= 11, 'the lock’s own, and no more than ten')
  await locker.release()
  t.same(new Set((await Promise.all(writes)).map(({ status }) => status)), new Set([201]))
})

t.test('a process that is killed in the middle of requests', async (t) => {
  const { token } = await signUp('ivy@example.com')
  const [mine] = [await write(one, token, 'mine')]
  const before = [one, two].map((service) => count(service, REQUESTS))
  const locker = await lock('posts')
  const post = (title: string) => call('POST', '/posts', { ...body({ title, content: '…' }), token })
  // In turn: one of each is at each process.
  const writes = [post('under way'), post('under way')]
  await until(async () => (await waiting('insert')) === 2)
  const reads = [0, 1].map(() => call('GET', `/posts/${mine.id}`, { token }))
  await until(() => [one, two].every((service, n) => count(service, REQUESTS) === (before[n] ?? 0) + 2))
  one.child.kill('SIGKILL')
  await one.waitForExit()
  await t.test('a GET is made again at the other, and nobody notices', async (t) => {
    await until(() => count(two, REQUESTS) >= (before[1] ?? 0) + 3)
    await locker.release()
    for (const { status } of await Promise.all(reads)) t.equal(status, 200)
  })
  await t.test('a POST is not: its client is told, and it is stored once at most', async (t) => {
    const answers = await Promise.all(writes)
    const [stored, refused] = answers.toSorted((a, b) => a.status - b.status)
    t.equal(stored?.status, 201)
    isUnavailable(t, refused)
    t.equal(await countOf('under way'), 1)
  })
  await t.test('meanwhile the other serves, and who may do what is as ever', (t) =>
    runContract(t, ['authorization'], contract),
  )
  await t.test('started again, it has its part', async (t) => {
    one = await startService({}, one.port)
    await until(async () => {
      t.equal((await call('GET', '/ready')).status, 200)
      return count(one, REQUESTS) > 3
    })
  })
})

t.test(
  'nothing acknowledged is lost, and none is stored twice, when a process is killed under load',
  async (t) => {
    const { token } = await signUp('jon@example.com')
    const answers = new Map<string, Awaited<ReturnType<typeof call>>>()
    let isOver = false
    const client = async (name: number) => {
      for (let n = 0; !isOver; n++) {
        const title = `${name}-${n}`
        const written = await call('POST', '/posts', { ...body({ title, content: '…' }), token })
        answers.set(title, written)
        if (written.status !== 201) continue
        const { id } = JSON.parse(written.text)
        const read = await call('GET', `/posts/${id}`, { token })
        if (read.status !== 200) throw new Error(`what was written is not there: ${read.status} ${read.text}`)
      }
    }
    const clients = Promise.all(Array.from({ length: 16 }, (_, name) => client(name)))
    await Promise.race([clients, until(() => answers.size > 200)])
    two.child.kill('SIGKILL')
    await two.waitForExit()
    const atTheKill = answers.size
    await Promise.race([clients, until(() => answers.size > atTheKill + 200)])
    two = await startService({}, two.port)
    await Promise.race([clients, until(() => count(two, REQUESTS) > 200)])
    isOver = true
    await clients

    const refused = [...answers.values()].filter(({ status }) => status !== 201)
    t.ok(
      refused.length <= 16,
      `${refused.length} of ${answers.size} were refused, at most what was under way`,
    )
    for (const answer of refused) isUnavailable(t, answer)
    const stored = await primary.query("select title from posts where title ~ '^[0-9]+-[0-9]+$'")
    t.equal(new Set(stored).size, stored.length, 'none twice')
    const lost = [...answers].filter(([title, { status }]) => status === 201 && !stored.includes(title))
    t.same(lost, [], 'none lost')
  },
)

t.test('without PgBouncer the answers are clean, and it is used once it is back', async (t) => {
  const { token } = await signUp('kim@example.com')
  bouncer.child.kill('SIGKILL')
  await bouncer.waitForExit()
  await isDown(t, token)
  bouncer = await backends.startBouncer()
  await isBack(t, token)
})

t.test('without the primary the answers are clean, and nothing acknowledged is lost', async (t) => {
  const { token } = await signUp('lea@example.com')
  const { id } = await write(two, token, 'kept')
  await primary.stop('immediate')
  await isDown(t, token)
  await primary.start(backends.primarySettings)
  await isBack(t, token)
  t.equal((await call('GET', `/posts/${id}`, { token })).status, 200)
})

t.test('without any process the answer is nginx’s, and a problem document', async (t) => {
  for (const service of [one, two]) {
    service.child.kill('SIGTERM')
    t.equal(await service.waitForExit(), 0)
  }
  isUnavailable(t, await call('GET', '/posts'))
})

/** No route that needs the database is served, and each says so at once; the processes live. */
async function isDown(t: Test, token: string): Promise<void> {
  for (const { url } of [one, two]) {
    t.equal((await fetch(`${url}/health`)).status, 200)
    t.equal((await fetch(`${url}/ready`)).status, 503)
  }
  const began = performance.now()
  for (const [method, path] of [
    ['GET', '/posts'],
    ['POST', '/posts'],
  ] as const) {
    const answer = await call(method, path, {
      token,
      ...(method === 'POST' && body({ title: 'a', content: 'b' })),
    })
    t.equal(answer.status, 503)
    t.equal(JSON.parse(answer.text).code, 'DATABASE_UNAVAILABLE')
  }
  t.ok(performance.now() - began < 15_000, 'and nobody waits for long')
}

async function isBack(t: Test, token: string): Promise<void> {
  for (const service of [one, two]) {
    await until(async () => (await fetch(`${service.url}/ready`)).status === 200)
    const { id } = await write(service, token, 'back')
    t.equal((await call('GET', `/posts/${id}`, { token })).status, 200)
  }
}

function isUnavailable(t: Test, answer: Awaited<ReturnType<typeof call>> | undefined): void {
  t.match(answer, {
    status: 503,
    headers: { 'content-type': 'application/problem+json', 'retry-after': '2' },
  })
  t.match(JSON.parse(answer?.text ?? ''), { code: 'OVERLOADED', status: 503 })
}

function body(value: object) {
  return { body: JSON.stringify(value), type: 'application/json' }
}

function bearer(token: string) {
  return { authorization: `Bearer ${token}` }
}

/** Asks one of the processes, past nginx. */
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

async function countOf(title: string): Promise<number> {
  return (await primary.query(`select id from posts where title = '${title}'`)).length
}

/** How many statements that begin so wait for a lock. */
async function waiting(verb: string): Promise<number> {
  const sql = `select pid from pg_stat_activity where wait_event_type = 'Lock' and query ~* '${verb}'`
  return (await primary.query(sql)).length
}

/** Holds a table, so that whatever needs it is under way for as long. */
async function lock(table: string): Promise<{ release(): Promise<void> }> {
  const client = new pg.Client({ connectionString: primary.url })
  await client.connect()
  await client.query(`begin; lock table ${table} in access exclusive mode`)
  return { release: () => client.end() }
}

/** What PgBouncer says of its pools, by the database's name. */
async function pools(): Promise<Record<string, Record<string, string>>> {
  const url = new URL(ofService(primary.url))
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

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10)
}
