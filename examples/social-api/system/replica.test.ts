import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { freePorts } from '../../../test-support/ports.ts'
import { PASSWORD, startBackends, startPgpool, toServiceUrl } from './cluster.ts'
import { count, createCaller, startNginx } from './deployed.ts'

/** Posts as the service reads them, and users as it looks them up. */
const POSTS = /execute.*FROM \(SELECT \* FROM posts/gi
const USERS = /from "?users"? where/gi

const backends = await startBackends(t, { withReplica: true })
const { primary } = backends
if (backends.replica === undefined) throw new Error('there is no replica')
const replica = backends.replica
const { port } = await startPgpool(t, primary, replica)
const [tls, plain] = (await freePorts(2)) as [number, number]
const databaseUrl = new URL(toServiceUrl(primary.url))
databaseUrl.port = String(port)
const start = () => backends.startService({ DATABASE_URL: databaseUrl.href, DB_LIMITS: 'role' })
const [one, two] = await Promise.all([start(), start()])
const nginx = await startNginx(t, { one: one.port, two: two.port, tls, plain })
const call = createCaller(tls, nginx.certificate)
const json = (value: object) => ({ body: JSON.stringify(value), type: 'application/json' })
await waitUntil(async () => (await primary.query('select state from pg_stat_replication'))[0] === 'streaming')

const { token } = await signUp('ann@example.com')
const reader = await signUp('bob@example.com')

t.test('the replica serves the reads of posts, and the primary the lookups of users', async (t) => {
  const { id } = await write('first')
  const ms = await waitUntilVisible(id)
  t.comment(`visible to everybody after ${Math.round(ms)} ms`)
  const [posts, users] = [count(await replica.log(), POSTS), count(await replica.log(), USERS)]
  for (let n = 0; n < 20; n += 1) t.equal((await read(id, reader.token)).status, 200)
  t.ok(count(await replica.log(), POSTS) >= posts + 20, 'every read of a post')
  t.equal(count(await replica.log(), USERS), users, 'no lookup of a user')
})

t.test('most new posts can be read immediately', async (t) => {
  const waits: number[] = []
  for (let n = 0; n < 50; n += 1) waits.push(await waitUntilVisible((await write(`again ${n}`)).id))
  const late = waits.filter((ms) => ms > 0)
  t.comment(
    `${late.length} of 50 were not visible at first; the latest after ${Math.round(Math.max(...waits))} ms`,
  )
  t.ok(late.length < 50, 'at least one is visible immediately')
})

t.test('if the replica lags, only posts are stale, and only until pgpool detects it', async (t) => {
  await replica.query('select pg_wal_replay_pause()')
  const { id } = await write('while it is paused')
  const ms = await waitUntilVisible(id)
  t.comment(`the primary serves after ${Math.round(ms)} ms`)
  t.same(await replica.query(`select id from posts where id = ${id}`), [], 'the replica does not have it yet')

  const cid = await signUp('cid@example.com')
  t.equal(
    (await call('GET', '/users/me', { token: cid.token })).status,
    200,
    'a new user can log in immediately',
  )
  const change = json({ current_password: PASSWORD, new_password: 'another password' })
  t.equal((await call('PUT', '/users/me/password', { ...change, token: cid.token })).status, 204)
  t.equal(
    (await call('GET', '/users/me', { token: cid.token })).status,
    401,
    'a password change ends tokens immediately',
  )

  await replica.query('select pg_wal_replay_resume()')
  await waitUntilReplicaServes(id)
  t.pass('once it has caught up, the replica serves again')
})

t.test(
  'a replica that is killed fails the requests in progress, and no acknowledged write is lost',
  async (t) => {
    const written: { status: number; title: string }[] = []
    const reads: { status: number; ms: number }[] = []
    const known = (await write('known')).id
    await waitUntilVisible(known)
    let isOver = false
    const clients = Array.from({ length: 8 }, async (_, client) => {
      for (let n = 0; !isOver; n += 1) {
        const title = `killed ${client}-${n}`
        written.push({ status: (await write(title)).status, title })
        reads.push({ status: (await read(known, reader.token)).status, ms: performance.now() })
      }
    })
    await waitUntil(() => reads.length > 100)
    const killedAt = performance.now()
    await replica.stop('immediate')
    await waitUntil(() => reads.length > 400)
    await sleep(5_000)
    isOver = true
    await Promise.all(clients)

    const failed = reads.filter(({ status }) => status !== 200)
    const last = Math.max(killedAt, ...failed.map(({ ms }) => ms))
    t.comment(
      `${failed.length} of ${reads.length} reads failed; the last ${Math.round(last - killedAt)} ms after the kill`,
    )
    t.same(
      failed.filter(({ status }) => ![500, 503].includes(status)),
      [],
      'pgpool reports XX000, or closes the connection',
    )
    t.ok(
      reads.slice(-50).every(({ status }) => status === 200),
      'in the end the primary serves every read',
    )
    const acknowledged = written.filter(({ status }) => status === 201).map(({ title }) => title)
    const stored = new Set(await primary.query("select title from posts where title like 'killed %'"))
    t.same(
      acknowledged.filter((title) => !stored.has(title)),
      [],
      'no acknowledged post is lost',
    )
    t.comment(`${acknowledged.length} of ${written.length} writes were acknowledged`)

    await replica.start({ ...backends.primarySettings, log_statement: 'all' })
    // A connection through pgpool keeps the nodes that it started with, so the service must not connect earlier.
    await waitUntil(async () => (await nodeStates()).every((status) => status === 'up'))
    const three = await start()
    await waitUntil(async () => {
      const before = count(await replica.log(), POSTS)
      await fetch(`${three.url}/posts/${known}`, { headers: { authorization: `Bearer ${reader.token}` } })
      return count(await replica.log(), POSTS) > before
    })
    t.pass('when it streams again, the replica serves new connections')
  },
)

t.test('if the primary is killed, every request is a 503 until it is back', async (t) => {
  const { id } = await write('before')
  await primary.stop('immediate')
  const refused = await call('POST', '/posts', { ...json({ title: 'not stored', content: '…' }), token })
  t.equal(refused.status, 503, refused.text)
  t.equal((await read(id, token)).status, 503, 'reads too, because the caller is read from the primary')
  await primary.start(backends.primarySettings)
  await waitUntil(async () => (await write('after')).status === 201)
  t.equal((await read(id, token)).status, 200, 'the acknowledged post is there')
})

async function signUp(email: string): Promise<{ token: string }> {
  const signedUp = await call('POST', '/users', json({ email, password: PASSWORD }))
  if (signedUp.status !== 201) throw new Error(`sign-up: ${signedUp.status} ${signedUp.text}`)
  const login = await call('POST', '/login', json({ username: email, password: PASSWORD }))
  if (login.status !== 200) throw new Error(`login: ${login.status} ${login.text}`)
  return { token: JSON.parse(login.text).access_token }
}

async function write(title: string): Promise<{ status: number; id: number }> {
  const { status, text } = await call('POST', '/posts', { ...json({ title, content: '…' }), token })
  return { status, id: JSON.parse(text).id }
}

function read(id: number, token: string) {
  return call('GET', `/posts/${id}`, { token })
}

/** Asks pgpool, over a new connection, which of its nodes it uses. */
async function nodeStates(): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl.href })
  await client.connect()
  const { rows } = await client.query('show pool_nodes').finally(() => client.end())
  return rows.map(({ status }) => status)
}

/** Waits until a post can be read. Returns the waiting time, or 0 if the first read succeeds. */
async function waitUntilVisible(id: number): Promise<number> {
  const since = performance.now()
  for (let tries = 0; ; tries += 1) {
    const { status } = await read(id, reader.token)
    if (status === 200) return tries === 0 ? 0 : performance.now() - since
    if (status !== 404) throw new Error(`a read of a post: ${status}`)
  }
}

async function waitUntilReplicaServes(id: number): Promise<void> {
  const before = count(await replica.log(), POSTS)
  await waitUntil(async () => {
    await read(id, reader.token)
    return count(await replica.log(), POSTS) > before
  })
}

async function waitUntil(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`the condition did not become true: ${condition}`)
    await sleep(10)
  }
}
