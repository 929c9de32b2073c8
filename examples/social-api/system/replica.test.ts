import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { Answer as FullAnswer } from '../test/helper.ts'
import {
  freeze,
  openWay,
  PASSWORD,
  redisUrl,
  type Service,
  startBackends,
  statementOfPage,
} from './cluster.ts'
import { count } from './deployed.ts'

const ASKED = /pg_last_wal_replay_lsn\(\) - '0\/0' >=/g
const POSTS = /from "?posts/gi

const backends = await startBackends(t)
const { primary, replica, startService } = backends
await backends.startBouncer()
let redis = await backends.startRedis()
const wayToRedis = await openWay(t, backends.redisPort)
const [one, two] = await Promise.all([startService({ REDIS_URL: redisUrl(wayToRedis.port) }), startService()])
const ana = await signUp('ana@example.com')
// Who never writes.
const ben = await signUp('ben@example.com')
// Each of them is for one write, before which a replica as late as it is would do.
const cleo = await signUp('cleo@example.com')
const dora = await signUp('dora@example.com')
const emil = await signUp('emil@example.com')
const finn = await signUp('finn@example.com')

t.test('the replica serves what is read, once it has all that the caller wrote', async (t) => {
  const { id } = await write(one, ana)
  for (const path of [`/posts/${id}`, '/posts?limit=100', `/users/${ben.id}`]) {
    const table = path.startsWith('/users') ? /from "?users/gi : POSTS
    await untilServed(t, two, ana, path, table)
    await untilServed(t, one, ana, path, table)
  }
  const behind = await primary.query(await statementOfPage('select application_name'))
  t.equal(behind.length, 1, 'the statement of the page finds it')
})

t.test('what one has written is seen at once from the other process, whoever writes beside', async (t) => {
  await Promise.all([
    ...Array.from({ length: 10 }, () => [sees(t, one, two, ana), sees(t, two, one, ben)]).flat(),
    ...[one, two].map((service) => sees(t, service, service, ana)),
  ])
})

t.test('with a replica that is late', async (t) => {
  const { id } = await readyForAll(t)
  await set(replica, 'recovery_min_apply_delay', '1h')
  const held =
    "select from pg_stat_activity where backend_type = 'startup' and wait_event = 'RecoveryApplyDelay'"
  while (!(await replica.query(`select exists (${held})`))[0])
    await primary.query('create table if not exists later (); drop table later')
  await seesTheirs(t)
  await t.test('who has not written is served by it, and sees what it has', (t) => seesOld(t, id))
  await t.test('a new user sees themselves', async (t) => {
    const fay = await signUp('new@example.com')
    const { status } = await call(two, 'GET', `/users/${fay.id}`, fay.token)
    t.equal(status, 200)
    t.same(await replica.query(`select id from users where id = ${fay.id}`), [])
  })
  await set(replica, 'recovery_min_apply_delay')
})

t.test('with a replica whose replay is paused', async (t) => {
  const { id } = await readyForAll(t)
  await replica.query('select pg_wal_replay_pause()')
  while ((await replica.query('select pg_get_wal_replay_pause_state()'))[0] !== 'paused');
  await seesTheirs(t)
  await t.test('who has not written is served by it, and sees what it has', (t) => seesOld(t, id))

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
    const meanwhile = await sees(t, one, two, finn)
    redis = await backends.startRedis()
    await two.says(/Redis is back/)
    for (const service of [two, one]) {
      t.equal((await call(service, 'GET', `/posts/${before.id}`, dora.token)).status, 200)
      t.equal((await call(service, 'GET', `/posts/${meanwhile}`, finn.token)).status, 200)
    }
    t.same(await replica.query(`select id from posts where id in (${before.id}, ${meanwhile})`), [])
  })
  await replica.query('select pg_wal_replay_resume()')
  await untilServed(t, two, ana, '/posts')
})

t.test('with a replica that stands still and says nothing', async (t) => {
  await untilServed(t, one, ana, '/posts')
  await untilServed(t, two, ana, '/posts')
  const goOn = await freeze(replica)
  await t.test('a caller sees what they wrote', (t) => sees(t, one, two, ana))
  await t.test('from either process', (t) => sees(t, two, one, ana))
  goOn()
  await untilServed(t, two, ana, '/posts')
})

t.test('a read that the replica cancels for its replay is served by the primary', async (t) => {
  await set(replica, 'max_standby_streaming_delay', '0')
  const { id } = await readyForAll(t)
  const locker = await lockAt('posts')
  const { answer } = await underWay(id)
  await locker.query('lock table users in access exclusive mode')
  await flush()
  await until(async () => (await replica.log()).includes('due to conflict with recovery'))
  await locker.end()
  t.match(await answer, { status: 200, body: { Post: { id } } })
  await set(replica, 'max_standby_streaming_delay')
})

t.test('a read during which the replica is killed is served by the primary', async (t) => {
  const { id } = await readyForAll(t)
  const locker = await lockAt('posts')
  const { answer } = await underWay(id)
  await replica.stop('immediate')
  await locker.end()
  t.match(await answer, { status: 200, body: { Post: { id } } })
})

t.test('with a replica that is dead', async (t) => {
  await sees(t, one, two, ana)
  await sees(t, two, one, finn)
  for (const service of [one, two]) t.equal((await call(service, 'GET', '/ready')).status, 200)
  t.ok(
    one.output().includes('the replica cannot be used') ||
      two.output().includes('the replica cannot be used'),
  )
  await replica.start(backends.replicaSettings)
  await untilServed(t, two, ana, '/posts')
  await untilServed(t, one, finn, '/posts')
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
    t.notOk(service.output().includes(PASSWORD))
  }
})

interface Caller {
  id: number
  token: string
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

/** Both ways, and the replica has not got it: it was asked, perhaps, and served nothing. */
async function seesTheirs(t: Test): Promise<void> {
  await t.test('a caller sees what they wrote', (t) => seesButNotThere(t, one, two))
  await t.test('from either process', (t) => seesButNotThere(t, two, one))
}

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

/** The old state, at either process: a post as it was before it was changed. */
async function seesOld(t: Test, id: number): Promise<void> {
  const changed = { title: 'changed', content: '…' }
  t.equal((await call(one, 'PUT', `/posts/${id}`, ana.token, changed)).status, 200)
  for (const service of [one, two]) {
    t.equal((await call(service, 'GET', `/posts/${id}`, ben.token)).body.Post.title, 'new')
    t.equal((await call(service, 'GET', `/posts/${id}`, ana.token)).body.Post.title, 'changed')
  }
}

/** A post that the replica has, and both processes read from there for who has not written. */
async function readyForAll(t: Test): Promise<{ id: number }> {
  const post = await write(one, ana)
  for (const service of [one, two]) await untilServed(t, service, ben, `/posts/${post.id}`)
  return post
}

/** A read that the replica has begun, and cannot end while the primary holds the table. */
async function underWay(id: number): Promise<{ answer: Promise<Answer> }> {
  const answer = call(one, 'GET', `/posts/${id}`, ben.token)
  const stuck = "select from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'posts'"
  await until(async () => (await replica.query(`select exists (${stuck})`))[0] === true)
  return { answer }
}

/** Holds a table on the primary, and thereby, once it is told, on the replica. */
async function lockAt(table: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: primary.url })
  await client.connect()
  await client.query(`begin; lock table ${table} in access exclusive mode`)
  await flush()
  const held = "select from pg_locks where mode = 'AccessExclusiveLock' and relation = 'posts'::regclass"
  await until(async () => (await replica.query(`select exists (${held})`))[0] === true)
  return client
}

/** Another's commit writes out what was logged before it. */
async function flush(): Promise<void> {
  await primary.query('create table if not exists later (); drop table later')
}

async function set(cluster: typeof replica, name: string, value?: string): Promise<void> {
  await cluster.query(
    value === undefined ? `alter system reset ${name}` : `alter system set ${name} = '${value}'`,
  )
  await cluster.query('select pg_reload_conf()')
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10)
}
