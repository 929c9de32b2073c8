import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'
import { POST_BODY_LIMIT, SERVER_LIMITS } from '../platform/http.ts'
import { createLogger } from '../platform/logging.ts'
import { hashingLimits } from '../src/auth/passwords.ts'

/** One character, and the most bytes that it can take: twelve in JSON, twelve in a form. */
const CHARACTER = '\u{1f600}'
const escaped = (text: string) => text.replaceAll(CHARACTER, '\\ud83d\\ude00')
const JSON_TYPE = { 'content-type': 'application/json' }

t.test('the largest post there can be is read, and one over the limit is not', async (t) => {
  const { call, signUp } = await serve(t)
  const { token } = await signUp('ann@example.com')
  const title = CHARACTER.repeat(300)
  const content = CHARACTER.repeat(20_000)
  const text = escaped(JSON.stringify({ title, content, published: false }))
  t.ok(text.length > 243_600 && text.length < POST_BODY_LIMIT)
  const made = await call('POST', '/posts', { token, text, headers: JSON_TYPE })
  t.equal(made.status, 201)
  t.equal(made.body.content, content)
  const path = `/posts/${made.body.id}`
  t.equal((await call('PUT', path, { token, text, headers: JSON_TYPE })).status, 200)

  const padded = (length: number) => text + ' '.repeat(length - text.length)
  const full = { token, text: padded(POST_BODY_LIMIT), headers: JSON_TYPE }
  const over = { token, text: padded(POST_BODY_LIMIT + 1), headers: JSON_TYPE }
  t.equal((await call('POST', '/posts', full)).status, 201)
  t.match(await call('POST', '/posts', over), { status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } })
  t.equal((await call('PUT', path, over)).status, 413)
})

t.test('the largest log-in there can be is read, in both forms, and one over the limit is not', async (t) => {
  const { call } = await serve(t)
  const username = CHARACTER.repeat(1_024)
  const credentials = { username, password: username }
  const text = escaped(JSON.stringify(credentials))
  t.ok(text.length > 24_576)
  t.equal((await call('POST', '/login', { text, headers: JSON_TYPE })).status, 403)
  const form = { grant_type: 'password', scope: '', client_id: '', client_secret: '', ...credentials }
  t.ok(new URLSearchParams(form).toString().length > 24_576)
  t.equal((await call('POST', '/login', { form })).status, 403)

  const large = { ...credentials, scope: 'x'.repeat(SERVER_LIMITS.bodyLimit) }
  t.equal((await call('POST', '/login', { form: large })).status, 413)
  t.equal((await call('POST', '/users', { json: large })).status, 413)
  const passable = { ...credentials, password: CHARACTER.repeat(1_025) }
  t.equal((await call('POST', '/login', { json: passable })).status, 422)
})

t.test('headers are read up to 16 KiB', async (t) => {
  const { call } = await serve(t)
  t.equal((await call('GET', '/health', { headers: { x: 'y'.repeat(15_000) } })).status, 200)
  t.match(await call('GET', '/health', { headers: { x: 'y'.repeat(16_384) } }), {
    status: 431,
    body: { code: 'HEADERS_TOO_LARGE' },
  })
})

t.test('as many passwords may wait as are hashed in 16 seconds', async (t) => {
  for (const [cost, cores, concurrency, maxQueue] of [
    [10, 1, 1, 320],
    [12, 1, 1, 80],
    [12, 2, 2, 160],
    [12, 64, 2, 160],
    [13, 2, 2, 80],
    [15, 1, 1, 10],
  ] as const) {
    t.same(hashingLimits(cost, cores), { cost, concurrency, maxQueue })
  }
})

t.test('a class of 30 that logs in at once is let in', async (t) => {
  const { call, signUp } = await serve(t)
  await signUp('ann@example.com')
  const form = { username: 'ann@example.com', password: 'a good password' }
  const answers = await Promise.all(Array.from({ length: 30 }, () => call('POST', '/login', { form })))
  t.same(new Set(answers.map(({ status }) => status)), new Set([200]))
})

t.test('who finds the queue full is told at once to come later, and nothing else is', async (t) => {
  const { app, call, signUp } = await serve(t)
  const { token } = await signUp('ann@example.com')
  const form = { username: 'ann@example.com', password: 'a good password' }
  const { concurrency, maxQueue } = hashingLimits(10)
  const flood = new AbortController()
  // Whatever is done is replaced, so that no place becomes free meanwhile.
  const waiting = Array.from({ length: concurrency + maxQueue }, async (_, index) => {
    const key = String(index)
    while (!flood.signal.aborted) {
      await app.hasher
        .hash('a good password', { signal: flood.signal, key })
        .catch(() => new Promise(setImmediate))
    }
  })
  const queries: string[] = []
  app.knex.on('query', ({ sql }: { sql: string }) => queries.push(sql))
  for (const username of [form.username, 'nobody@example.com']) {
    const turnedAway = await call('POST', '/login', { form: { ...form, username } })
    t.match(turnedAway, { status: 503, body: { code: 'OVERLOADED' } })
    t.match(turnedAway.headers.get('retry-after'), /^[1-9]\d*$/)
  }
  t.same(queries, [], 'before anybody is looked up')
  t.equal((await call('GET', '/posts', { token })).status, 200)
  t.ok(app.hasher.stats.waiting > 0, 'while the others still wait')

  flood.abort()
  await Promise.all(waiting)
  t.equal((await call('POST', '/login', { form })).status, 200)
})

t.test('a password is not hashed for a client that hangs up while it waits', async (t) => {
  const lines: string[] = []
  const loggerInstance = createLogger({
    level: 'warn',
    readable: false,
    destination: { write: (line) => void lines.push(line) },
  })
  const { app, call, url } = await serve(t, { loggerInstance })
  const { concurrency } = hashingLimits(10)
  const flood = new AbortController()
  const busy = Array.from({ length: 40 }, () =>
    app.hasher.hash('a good password', { signal: flood.signal }).catch(() => {}),
  )
  const [waiting, hungUp] = [new AbortController(), once(app.server, 'connection')]
  const body = new URLSearchParams({ username: 'ann@example.com', password: 'a good password' })
  const login = fetch(`${url}/login`, { method: 'POST', body, signal: waiting.signal })
  await hungUp
  while (app.hasher.stats.waiting + app.hasher.stats.finished < 41 - concurrency) await sleep(5)
  waiting.abort()
  await t.rejects(login, { name: 'AbortError' })
  while (app.hasher.stats.aborted === 0) await sleep(5)
  t.equal(app.hasher.stats.aborted, 1)
  flood.abort()
  await Promise.all(busy)
  t.equal((await call('GET', '/health')).status, 200)
  t.same(lines, [], 'which is no failure of the service')
})

t.test('a pool without a free connection is a 503, and the service goes on', async (t) => {
  const { app, call, signUp } = await serve(t, { poolMax: 1 })
  const { token } = await signUp('ann@example.com')
  const held = await app.knex.client.acquireConnection()
  const ready = await call('GET', '/ready')
  t.match(ready, { status: 503, body: { code: 'DATABASE_UNAVAILABLE' } })
  const answer = await call('POST', '/users', {
    json: { email: 'bob@example.com', password: 'a good password' },
  })
  t.match(answer, { status: 503, body: { code: 'OVERLOADED' } })
  t.equal(answer.headers.get('retry-after'), '1')
  t.equal((await call('GET', '/health')).status, 200)

  app.knex.client.releaseConnection(held)
  t.equal((await call('GET', '/users/me', { token })).status, 200)
  t.equal((await call('GET', '/ready')).status, 200)
})
