import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net, { type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freePort, newCluster } from '../../../packages/db-session/system/cluster.ts'
import type { Answer as FullAnswer } from '../test/helper.ts'
import { LISTENS, type Running, run, SERVER } from '../test/process.ts'

const FAST = { fsync: 'off', full_page_writes: 'off' }
const LOGGED = { ...FAST, log_statement: 'all' }
const ASKED = /pg_last_wal_replay_lsn\(\) - '0\/0' >=/g
const POSTS = /from "?posts/gi
const PASSWORD = 'a good password'

const primary = await newCluster(t)
const replica = await primary.standby()
t.teardown(() => Promise.all([primary.stop('immediate'), replica.stop('immediate')]))
await primary.start(FAST)
await replica.start(LOGGED)

const redisPort = await freePort()
let redis = await startRedis()
const wayToRedis = await openWay(t, redisPort)
const [one, two] = [await startService({}, wayToRedis.port), await startService()]
const ana = await signUp('ana@example.com')
const ben = await signUp('ben@example.com')
// Each of them is for one write, before which a replica as late as it is would do.
const cleo = await signUp('cleo@example.com')
const dora = await signUp('dora@example.com')
const emil = await signUp('emil@example.com')

t.test('the replica serves what is read, once it has all that the caller wrote', async (t) => {
  const { id } = await write(one, ana)
  for (const path of [`/posts/${id}`, '/posts?limit=100', `/users/${ben.id}`]) {
    const table = path.startsWith('/users') ? /from "?users/gi : POSTS
    await untilServed(t, two, ana, path, table)
    await untilServed(t, one, ana, path, table)
  }
})

t.test('what one has written is seen at once from the other process, whoever writes beside', async (t) => {
  await Promise.all([
    ...Array.from({ length: 10 }, () => [sees(t, one, two, ana), sees(t, two, one, ben)]).flat(),
    ...[one, two].map((service) => sees(t, service, service, ana)),
  ])
})

t.test('with a replica that is late', async (t) => {
  await caughtUp()
  await replica.stop('fast')
  await replica.start({ ...LOGGED, recovery_min_apply_delay: '1h' })
  await t.test('a caller sees what they wrote', (t) => seesButNotThere(t, one, two))
  await t.test('from either process', (t) => seesButNotThere(t, two, one))
  await t.test('a new user sees themselves', async (t) => {
    const fay = await signUp('new@example.com')
    const { status } = await call(two, 'GET', `/users/${fay.id}`, fay.token)
    t.equal(status, 200)
    t.same(await replica.query(`select id from users where id = ${fay.id}`), [])
  })
  await replica.stop('fast')
  await replica.start(LOGGED)
})

t.test('with a replica whose replay is paused', async (t) => {
  await caughtUp()
  await replica.query('select pg_wal_replay_pause()')
  await t.test('a caller sees what they wrote', (t) => seesButNotThere(t, one, two))
  await t.test('from either process', (t) => seesButNotThere(t, two, one))

  await t.test('and while the process that writes is cut off from Redis', async (t) => {
    wayToRedis.close()
    await one.says(/Redis cannot be used/)
    await seesButNotThere(t, one, two, cleo)
    await wayToRedis.open()
    await one.says(/Redis is back/)
  })
  await t.test('and of a write whose process was killed before it could answer', async (t) => {
    const three = await startService()
    // As while a synchronous replica is away: the COMMIT is done, and its answer is held back.
    await primary.query("alter system set synchronous_standby_names = 'nobody'")
    await primary.query('select pg_reload_conf()')
    const answer = write(three, emil).catch(() => 'none')
    const waiting = "from pg_stat_activity where wait_event = 'SyncRep'"
    while ((await primary.query(`select pid ${waiting}`)).length === 0);
    three.child.kill('SIGKILL')
    t.equal(await answer, 'none')
    await primary.query('alter system reset synchronous_standby_names')
    await primary.query('select pg_reload_conf()')
    while ((await primary.query(`select pg_terminate_backend(pid) ${waiting}`)).length > 0);

    const theirs = `select id from posts where owner_id = ${emil.id}`
    const [id] = await primary.query(theirs)
    t.equal((await call(two, 'GET', `/posts/${id}`, emil.token)).status, 200)
    t.same(await replica.query(theirs), [])
  })
  await t.test('and while Redis is gone, and after it is back without what it knew', async (t) => {
    const before = await write(one, dora)
    redis.child.kill('SIGKILL')
    await two.says(/Redis cannot be used/)
    const meanwhile = await sees(t, one, two, ben)
    redis = await startRedis()
    await two.says(/Redis is back/)
    for (const service of [two, one]) {
      t.equal((await call(service, 'GET', `/posts/${before.id}`, dora.token)).status, 200)
      t.equal((await call(service, 'GET', `/posts/${meanwhile}`, ben.token)).status, 200)
    }
    t.same(await replica.query(`select id from posts where id in (${before.id}, ${meanwhile})`), [])
  })
  await replica.query('select pg_wal_replay_resume()')
  await untilServed(t, two, ana, '/posts')
})

t.test('with a replica that is killed', async (t) => {
  await replica.stop('immediate')
  await sees(t, one, two, ana)
  await sees(t, two, one, ben)
  for (const service of [one, two]) t.equal((await call(service, 'GET', '/ready')).status, 200)
  t.ok(two.output().includes('the replica cannot be used'))
  await replica.start(LOGGED)
  await untilServed(t, two, ana, '/posts')
  await untilServed(t, one, ben, '/posts')
})

t.test('without REDIS_URL the primary serves, and that is said once', async (t) => {
  const three = await startService({ REDIS_URL: '' })
  const before = count(await replica.log(), ASKED)
  await sees(t, one, three, ana)
  await sees(t, three, three, ana)
  t.equal(count(await replica.log(), ASKED), before, 'the replica is not even asked')
  await call(one, 'GET', '/posts', ben.token)
  t.equal(count(await replica.log(), ASKED), before + 1, 'as it is by the others')
  t.equal(count(three.output(), /reads stay on the primary/g), 1)
  t.equal(count(one.output(), /reads stay on the primary/g), 0)
})

t.test('both end when they are told to, and have shown no password', async (t) => {
  for (const service of [one, two]) {
    service.child.kill('SIGTERM')
    t.equal(await service.ends(), 0)
    for (const url of [primary.url, replica.url]) t.notOk(service.output().includes(new URL(url).password))
  }
})

interface Service extends Running {
  url: string
}

interface Caller {
  id: number
  token: string
}

async function startService(env: Record<string, string> = {}, port = redisPort): Promise<Service> {
  const service = run(t, SERVER, {
    DATABASE_URL: primary.url,
    DATABASE_READ_URL: replica.url,
    REDIS_URL: `redis://127.0.0.1:${port}`,
    JWT_SECRET: 'a secret of the tests, long enough to sign with',
    BCRYPT_COST: '10',
    THROTTLE_REQUESTS_PER_MINUTE: '0',
    ...env,
  })
  return Object.assign(service, { url: await service.says(LISTENS) })
}

async function startRedis(): Promise<Running> {
  const dir = await mkdtemp(join(tmpdir(), 'social-api-replica-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const options = ['--port', `${redisPort}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '']
  const server = run(t, ['redis-server', ...options], {})
  await server.says(/Ready to accept connections/)
  return server
}

type Answer = Pick<FullAnswer, 'status' | 'body'>

async function call(
  { url }: Service,
  method: string,
  path: string,
  token = '',
  json?: object,
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(json && { 'content-type': 'application/json' }),
    },
    body: json ? JSON.stringify(json) : null,
  })
  const text = await response.text()
  return { status: response.status, body: text && JSON.parse(text) }
}

async function signUp(email: string): Promise<Caller> {
  const { body: user } = await call(one, 'POST', '/users', '', { email, password: PASSWORD })
  const { body: login } = await call(one, 'POST', '/login', '', { username: email, password: PASSWORD })
  return { id: user.id, token: login.access_token }
}

async function write(service: Service, { token }: Caller): Promise<{ id: number }> {
  const { status, body } = await call(service, 'POST', '/posts', token, { title: 'new', content: '…' })
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body
}

/** Whatever is written at one of them is read at the other at once; answers with the id of a post that stays. */
async function sees(t: Test, writer: Service, reader: Service, { token }: Caller): Promise<number> {
  const { id } = await write(writer, { id: 0, token })
  const read = async () => {
    const { status, body } = await call(reader, 'GET', `/posts/${id}`, token)
    return [status, body.Post?.title, body.votes]
  }
  t.same(await read(), [200, 'new', 0])
  t.equal((await call(writer, 'POST', '/vote', token, { post_id: id, dir: 1 })).status, 201)
  t.same(await read(), [200, 'new', 1])
  const changed = { title: 'changed', content: '…' }
  t.equal((await call(writer, 'PUT', `/posts/${id}`, token, changed)).status, 200)
  t.same(await read(), [200, 'changed', 1])
  const gone = await write(writer, { id: 0, token })
  t.equal((await call(writer, 'DELETE', `/posts/${gone.id}`, token)).status, 204)
  t.equal((await call(reader, 'GET', `/posts/${gone.id}`, token)).status, 404)
  return id
}

/** As `sees`, and the replica has not got it: it was asked, perhaps, and served nothing. */
async function seesButNotThere(t: Test, writer: Service, reader: Service, caller = ana): Promise<void> {
  const before = count(await replica.log(), POSTS)
  const id = await sees(t, writer, reader, caller)
  t.equal(count(await replica.log(), POSTS), before, 'the primary has served all of it')
  t.same(await replica.query(`select id from posts where id = ${id}`), [])
  t.same(await primary.query(`select id from posts where id = ${id}`), [id])
}

/** Reads until the replica has served it. */
async function untilServed(
  t: Test,
  service: Service,
  { token }: Caller,
  path: string,
  table = POSTS,
): Promise<void> {
  for (let n = 1; n <= 5_000; n++) {
    const before = count(await replica.log(), table)
    const { status } = await call(service, 'GET', path, token)
    if (status !== 200) throw new Error(`GET ${path}: ${status}`)
    if (count(await replica.log(), table) > before) {
      t.pass(`the replica serves ${path}, after ${n}`)
      return
    }
  }
  throw new Error(`the replica never served ${path}`)
}

async function caughtUp(): Promise<void> {
  const [position] = await primary.query('select pg_current_wal_flush_lsn()')
  for (;;) {
    const [there] = await replica.query(`select pg_last_wal_replay_lsn() >= '${position}'`)
    if (there) return
  }
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}

/** A way to a port that can be closed, and opened again. */
async function openWay(t: Test, target: number) {
  const sockets = new Set<Socket>()
  const server = net.createServer((client) => {
    const there = net.connect(target, '127.0.0.1')
    for (const [socket, other] of [
      [client, there],
      [there, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => other.destroy())
      socket.pipe(other)
    }
  })
  const port = await freePort()
  const open = async () => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  await open()
  t.teardown(close)
  return { port, open, close }
}
