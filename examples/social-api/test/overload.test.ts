import { setTimeout as sleep } from 'node:timers/promises'
import type {} from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { PASSWORD } from '../../../test-support/client.ts'
import { GENEROUS, serve } from '../../../test-support/social-api.ts'
import { createLogger } from '../platform/logging.ts'
import { getHashingLimits } from '../src/auth/passwords.ts'
import { readConfig } from '../src/config.ts'

const form = { username: 'ann@example.com', password: PASSWORD }

t.test('the hashing queue holds as many passwords as are hashed in 16 seconds', async (t) => {
  for (const [cost, cores, concurrency, maxQueue] of [
    [10, 1, 1, 320],
    [12, 1, 1, 80],
    [12, 2, 2, 160],
    [12, 64, 2, 160],
    [13, 2, 2, 80],
    [15, 1, 1, 10],
  ] as const) {
    t.same(getHashingLimits(cost, cores), { cost, concurrency, maxQueue, unsafeLowCost: false })
  }
})

t.test('the hashing queue is bounded', async (t) => {
  const { app, call, signUp } = await serve(t, { throttles: readConfig({}).throttles, bcryptCost: 10 })
  const { token } = await signUp('ann@example.com')

  t.test(
    'with the default limits, 40 simultaneous logins of one user from one address succeed',
    async (t) => {
      const logins = Array.from({ length: 40 }, () => call('POST', '/login', { form }))
      const statuses = (await Promise.all(logins)).map(({ status }) => status)
      t.same(new Set(statuses), new Set([200]))
    },
  )

  t.test(
    'a login that finds the hashing queue full is an immediate 503, and other requests are served',
    async (t) => {
      const { concurrency, maxQueue } = getHashingLimits(10)
      const stop = keepHashing(app, concurrency + maxQueue)
      const queries: string[] = []
      app.knex.on('query', ({ sql }: { sql: string }) => queries.push(sql))
      for (const username of [form.username, 'nobody@example.com']) {
        const rejected = await call('POST', '/login', { form: { ...form, username } })
        t.match(rejected, { status: 503, body: { code: 'OVERLOADED' } })
        t.match(rejected.headers.get('retry-after'), /^[1-9]\d*$/)
      }
      t.same(queries, [], 'no user is looked up')
      t.equal((await call('GET', '/posts', { token })).status, 200)
      t.ok(app.hasher.stats.waiting > 0, 'the others still wait')

      await stop()
      t.equal((await call('POST', '/login', { form })).status, 200)
    },
  )
})

t.test('the password of a client that disconnects while it waits is not hashed', async (t) => {
  const lines: string[] = []
  const loggerInstance = createLogger({
    level: 'warn',
    destination: { write: (line) => void lines.push(line) },
  })
  const { app, call, url } = await serve(t, { loggerInstance, bcryptCost: 10 })
  const stop = keepHashing(app, 40)
  const disconnect = new AbortController()
  const body = new URLSearchParams({ username: 'ann@example.com', password: PASSWORD })
  const login = fetch(`${url}/login`, { method: 'POST', body, signal: disconnect.signal })
  while (app.hasher.stats.waiting + app.hasher.stats.running < 41) await sleep(5)
  disconnect.abort()
  await t.rejects(login, { name: 'AbortError' })
  while (app.hasher.stats.aborted === 0) await sleep(5)
  t.equal(app.hasher.stats.aborted, 1)
  await stop()
  t.equal((await call('GET', '/health')).status, 200)
  t.same(lines, [], 'it is not logged as a failure')
})

t.test('logins and sign-ups of one address do not block a login from another address', async (t) => {
  // At this cost, 80 passwords may wait.
  const { app, url, call } = await serve(t, { throttles: GENEROUS, bcryptCost: 13 })
  await call('POST', '/users', { json: { email: 'ana@example.com', password: PASSWORD } })

  const disconnect = new AbortController()
  const flood = Array.from({ length: 100 }, (_, index) =>
    fetch(url + (index % 2 ? '/users' : '/login'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        email: `${index}@example.com`,
        username: 'ana@example.com',
        password: PASSWORD,
      }),
      signal: disconnect.signal,
    }).catch(() => {}),
  )
  while (app.hasher.stats.overloaded === 0) await new Promise(setImmediate)
  const otherAddress = await app.inject({
    method: 'POST',
    url: '/login',
    remoteAddress: '192.0.2.1',
    payload: { username: 'ana@example.com', password: PASSWORD },
  })
  t.equal(otherAddress.statusCode, 200)
  t.ok(app.hasher.stats.waiting > 0, 'the first address still waits')
  disconnect.abort()
  await Promise.all(flood)
})

t.test('requests have a deadline', async (t) => {
  const { app, call } = await serve(t, { responseDeadlineMs: 500, bcryptCost: 10 })

  t.test('a request that misses its deadline is a 503, and its password is not hashed', async (t) => {
    await call('GET', '/ready')
    const stop = keepHashing(app, 100)
    const response = await call('POST', '/login', { form })
    t.match(response, { status: 503, body: { code: 'OVERLOADED' } })
    t.equal(response.headers.get('retry-after'), '5')
    t.equal(app.hasher.stats.aborted, 1)
    t.ok(app.hasher.stats.waiting > 0, 'the others still wait')
    await stop()
  })

  t.test('a request that misses its deadline is rolled back', async (t) => {
    const [{ id }] = await app
      .knex('users')
      .insert({ email: 'ann@example.com', password: 'x' })
      .returning('id')
    const token = app.tokens.access.sign({ sub: String(id), user_id: id, role: 'user' })
    const holder = await app.knex.transaction()
    await holder.raw('LOCK TABLE posts IN ACCESS EXCLUSIVE MODE')
    const post = { token, json: { title: 'late', content: 'too late' } }
    t.match(await call('POST', '/posts', post), { status: 503, body: { code: 'OVERLOADED' } })
    await holder.commit()
    t.equal(await app.knex('posts').where({ title: 'late' }).first(), undefined)
    t.equal((await call('POST', '/posts', post)).status, 201)
  })
})

t.test('under pressure, every request gets a 503, except for /health', async (t) => {
  const { app, call } = await serve(t, { pressure: { sampleInterval: 10, maxRssBytes: 1 } })
  while (!app.isUnderPressure()) await sleep(10)
  for (const [method, path] of [
    ['GET', '/'],
    ['GET', '/ready'],
    ['POST', '/login'],
    ['GET', '/posts'],
  ] as const) {
    const response = await call(method, path)
    t.match(response, { status: 503, body: { code: 'OVERLOADED', instance: /^req-/ } }, path)
    t.match(response.headers.get('content-type'), /^application\/problem\+json/)
    t.equal(response.headers.get('retry-after'), '2')
  }
  t.equal((await call('GET', '/health')).status, 200)
})

t.test('this machine has enough memory for the default limits', async (t) => {
  const { app, call } = await serve(t, { pressure: { sampleInterval: 100, maxEventLoopDelay: 0 } })
  while (app.memoryUsage().rssBytes === 0) await sleep(50)
  t.equal(app.isUnderPressure(), false)
  t.equal((await call('GET', '/')).status, 200)
})

t.test('a request that gets no database connection is a 503, and later requests succeed', async (t) => {
  const { app, call, signUp } = await serve(t, { poolMax: 1 })
  const { token } = await signUp('ann@example.com')
  const held = await app.knex.client.acquireConnection()
  const [ready, response] = await Promise.all([
    call('GET', '/ready'),
    call('POST', '/users', { json: { email: 'bob@example.com', password: PASSWORD } }),
  ])
  t.match(ready, { status: 503, body: { code: 'DATABASE_UNAVAILABLE' } })
  t.match(response, { status: 503, body: { code: 'OVERLOADED' } })
  t.equal(response.headers.get('retry-after'), '1')
  t.equal((await call('GET', '/health')).status, 200)

  app.knex.client.releaseConnection(held)
  t.equal((await call('GET', '/users/me', { token })).status, 200)
  t.equal((await call('GET', '/ready')).status, 200)
})

/** Keeps this number of passwords in the hashing queue, each of another address, until the returned function is called. */
function keepHashing({ hasher }: FastifyInstance, count: number): () => Promise<void> {
  const controller = new AbortController()
  const { signal } = controller
  const hashes = Array.from({ length: count }, async (_, index) => {
    while (!signal.aborted) {
      await hasher.hash(PASSWORD, { signal, key: String(index) }).catch(() => new Promise(setImmediate))
    }
  })
  return async () => {
    controller.abort()
    await Promise.all(hashes)
  }
}
