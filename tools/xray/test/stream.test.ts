import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Call } from '../../../test-support/client.ts'
import { callRaw } from '../../../test-support/social-api.ts'
import type { Trace } from '../server/trace.ts'
import { serveXray } from './setup.ts'
import { watch } from './watch.ts'

const PASSWORD = 'a good password'

/** Adds routes that end in each possible way. */
function addRoutes(app: FastifyInstance): void {
  const insert = (db: FastifyInstance['knex']) => db.raw('INSERT INTO at_commit (name) VALUES (?)', ['taken'])
  app.post('/ways/commit-fails', async ({ db }) => {
    await insert(db)
    return {}
  })
  app.post('/ways/throws', async ({ db }) => {
    await insert(db)
    throw new Error('secret words of an error')
  })
  app.post('/ways/responses', async ({ db }, reply) => {
    await insert(db)
    return reply.code(418).send({})
  })
  app.post('/ways/asks', async ({ db }) => {
    await insert(db)
    db.rollbackOnly()
    return {}
  })
  app.get('/ways/waits', async ({ db }) => {
    await db.raw('SELECT pg_sleep(60)')
    return {}
  })
  app.get<{ Params: { n: string } }>('/ways/mine/:n', async ({ db, params: { n } }) => {
    await app.knex.raw(`SELECT 'pool ${n}'`)
    await app.hasher.hash(`the password of ${n}`)
    await db.raw(`SELECT 'first ${n}'`)
    await db.raw(`SELECT 'second ${n}'`)
    return {}
  })
}

// A cost at which passwords wait for each other.
const service = await serveXray(t, { bcryptCost: 10 }, addRoutes)
const { app, url, call } = service
await app.knex.raw(
  'CREATE TABLE at_commit (name text, CONSTRAINT one_name UNIQUE (name) DEFERRABLE INITIALLY DEFERRED)',
)
await app.knex('at_commit').insert({ name: 'taken' })
const ada = await service.signUp('ada@example.com')
const watching = await watch(t, url)

/** Sends a request, and returns its trace. */
async function sendTraced(method: string, path: string, options?: Call): Promise<Trace> {
  const { headers } = await call(method, path, options)
  return watching.until(headers.get('x-request-id') ?? '')
}

function kinds({ steps }: Trace): string[] {
  return steps.toSorted((a, b) => a.from - b.from || a.to - b.to).map(({ kind }) => kind)
}

t.test(
  'the trace of a sign-up shows each stage, and the names that the response’s schema left out',
  async (t) => {
    const trace = await sendTraced('POST', '/users', {
      json: { email: 'bob@example.com', password: PASSWORD },
    })
    t.match(trace, { method: 'POST', path: '/users', status: 201, ms: Number })
    // The query before the hash counts the sign-up for its address.
    t.same(kinds(trace), [
      ...['body', 'validation', 'query', 'hash', 'begin', 'query', 'serialize', 'commit', 'send'],
    ])
    t.match(
      trace.steps.findLast(({ kind }) => kind === 'query'),
      { sql: /^insert into "users" .* values \(\$1, \$2\)/, rows: 1 },
    )
    t.same(trace.omitted, ['password', 'role', 'password_changed_at'])
    t.notOk(trace.problem)
  },
)

t.test('the trace of a login shows the lookup, the comparison and the signing', async (t) => {
  const trace = await sendTraced('POST', '/login', {
    form: { username: 'bob@example.com', password: PASSWORD },
  })
  // The limits on failed logins are counted on the pool, outside the request's session.
  const steps = trace.steps.filter(({ onPool }) => !onPool)
  t.same(kinds({ ...trace, steps }), [
    ...['body', 'validation', 'hash', 'begin', 'query', 'query', 'query', 'sign'],
    ...['serialize', 'commit', 'send'],
  ])
  t.ok(trace.steps.some(({ onPool, sql }) => onPool && /from "users" where lower\(email\)/.test(sql ?? '')))
  t.match(
    trace.steps.find(({ kind }) => kind === 'hash'),
    { verdict: 'ok', waited: Number },
  )
})

t.test('the trace of a failed login shows if the password was wrong or the user unknown', async (t) => {
  const wrong = await sendTraced('POST', '/login', {
    form: { username: 'bob@example.com', password: 'another' },
  })
  t.match(wrong, { status: 403, problem: { code: 'INVALID_CREDENTIALS' } })
  t.match(
    wrong.steps.find(({ kind }) => kind === 'hash'),
    { failed: true, verdict: 'wrong-password' },
  )
  t.notOk(kinds(wrong).includes('begin'))
  const nobody = await sendTraced('POST', '/login', {
    form: { username: 'no@example.com', password: PASSWORD },
  })
  t.match(
    nobody.steps.find(({ kind }) => kind === 'hash'),
    { failed: true, verdict: 'no-hash' },
  )
})

t.test('the trace of an accepted token shows the caller', async (t) => {
  const trace = await sendTraced('GET', '/posts?limit=3&search=apples', { token: ada.token })
  const caller = { id: ada.id, role: 'user', name: 'ada@example.com' }
  t.match(trace, { path: '/posts?limit=3&search=…', caller, status: 200 })
  t.same(kinds(trace), ['token', 'query', 'validation', 'begin', 'query', 'commit', 'serialize', 'send'])
  const [token, user, , , list] = trace.steps
  t.notOk(token?.failed)
  t.match(user, { onPool: true, rows: 1 })
  t.notOk(list?.onPool)
})

t.test('the trace of a rejected token shows the check and the part of the token', async (t) => {
  const [header = '', payload = '', signature = ''] = ada.token.split('.')
  const forged = await sendTraced('GET', '/users/me', {
    token: [header, payload, `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`].join('.'),
  })
  t.match(forged, {
    status: 401,
    reason: { code: 'JWT_KIT_SIGNATURE', part: 'signature' },
    problem: { code: 'TOKEN_INVALID' },
    steps: [{ kind: 'token', failed: true, failure: { code: 'JWT_KIT_SIGNATURE' } }],
  })
  t.notOk(forged.caller)
  const none = await sendTraced('GET', '/users/me')
  t.match(none, {
    status: 401,
    reason: { code: 'JWT_KIT_NO_CREDENTIALS' },
    steps: [{ kind: 'token', failed: true }],
  })
})

t.test('the trace of a token whose user was deleted shows that the user does not exist', async (t) => {
  const gone = await service.signUp('gone@example.com')
  await app.knex('users').where({ id: gone.id }).delete()
  const trace = await sendTraced('GET', '/users/me', { token: gone.token })
  t.match(trace, { status: 401, problem: { code: 'TOKEN_INVALID', detail: /no longer exists/ } })
  t.same(kinds(trace), ['token', 'query', 'thrown', 'serialize', 'send'])
})

t.test('the trace of a failed validation shows the place and the expected value', async (t) => {
  const trace = await sendTraced('POST', '/users', { json: { email: 'nobody', password: PASSWORD } })
  t.match(trace, {
    status: 422,
    problem: { code: 'VALIDATION_FAILED', errors: [{ in: 'body', path: '/email', message: /email/ }] },
  })
  t.same(kinds(trace), ['body', 'validation', 'serialize', 'send'])
  t.ok(trace.steps[1]?.failed)
})

t.test('the traces of a malformed body and a malformed path show the problem', async (t) => {
  const body = await sendTraced('POST', '/vote', {
    token: ada.token,
    text: '{ broken',
    headers: { 'content-type': 'application/json' },
  })
  t.match(body, { status: 400, problem: { code: 'MALFORMED_REQUEST' } })
  t.match(
    body.steps.find(({ kind }) => kind === 'body'),
    { failed: true },
  )
  const { headers } = await callRaw(url, '/posts/%zz')
  t.match(await watching.until(headers.get('x-request-id') ?? ''), { method: 'GET', path: '…', status: 400 })
})

t.test(
  'the trace of a body that arrives late has its own steps, although another request ran in between',
  async (t) => {
    const body = JSON.stringify({ email: 'late@example.com', password: PASSWORD })
    const headers = {
      'content-type': 'application/json',
      'content-length': body.length,
      'x-request-id': 'late',
    }
    const request = httpRequest(`${url}/users`, { method: 'POST', headers })
    request.flushHeaders()
    await once(app.server, 'request')
    await sendTraced('GET', '/users/me', { token: ada.token })
    request.end(body)
    await once(request, 'response')
    const trace = await watching.until('late')
    t.same(
      kinds(trace),
      ['query', 'hash', 'begin', 'query', 'serialize', 'commit', 'send'].toSpliced(
        0,
        0,
        'body',
        'validation',
      ),
    )
  },
)

t.test('the trace of a ROLLBACK shows its reason', async (t) => {
  const why = async (path: string) =>
    (await sendTraced('POST', path)).steps.find(({ kind }) => kind === 'rollback')?.why
  t.same(await why('/ways/throws'), { because: 'thrown', code: 'Error' })
  t.same(await why('/ways/responses'), { because: 'response', status: 418 })
  t.same(await why('/ways/asks'), { because: 'asked' })
  const taken = await sendTraced('POST', '/users', { json: { email: 'BOB@example.com', password: PASSWORD } })
  t.match(taken.steps.find(({ kind }) => kind === 'rollback')?.why, {
    because: 'thrown',
    code: 'EMAIL_TAKEN',
  })
  t.match(taken.problem, { code: 'EMAIL_TAKEN' })
})

t.test('the trace of a client that disconnects ends in its rollback', async (t) => {
  const disconnect = new AbortController()
  const request = fetch(`${url}/ways/waits`, {
    signal: disconnect.signal,
    headers: { 'x-request-id': 'leaving' },
  })
  while (![...watching.traces.values()].some(({ requestId }) => requestId === 'leaving')) await sleep(5)
  disconnect.abort()
  await t.rejects(request)
  const trace = await watching.until('leaving', ({ steps }) => steps.some(({ kind }) => kind === 'rollback'))
  t.match(trace, { clientDisconnected: true })
  t.notOk(trace.status)
  t.match(trace.steps.find(({ kind }) => kind === 'rollback')?.why, { because: 'disconnected' })
})

t.test('the trace of a failed COMMIT names the constraint', async (t) => {
  const trace = await sendTraced('POST', '/ways/commit-fails')
  t.equal(trace.status, 409)
  t.match(
    trace.steps.find(({ kind }) => kind === 'commit'),
    {
      failed: true,
      failure: { sqlState: '23505', constraint: 'one_name' },
    },
  )
  t.match(trace.problem, { code: 'CONFLICT' })
})

t.test('each of twenty simultaneous requests has only its own steps', async (t) => {
  const numbers = Array.from({ length: 20 }, (_, index) => index + 1)
  const traces = await Promise.all(numbers.map((n) => sendTraced('GET', `/ways/mine/${n}`)))
  for (const [index, trace] of traces.entries()) {
    const n = numbers[index]
    t.equal(trace.path, `/ways/mine/${n}`)
    const statements = trace.steps.filter(({ kind }) => kind === 'query').map(({ sql }) => sql)
    t.same(statements, [`SELECT 'pool ${n}'`, `SELECT 'first ${n}'`, `SELECT 'second ${n}'`])
    for (const kind of ['begin', 'hash', 'commit', 'send'])
      t.equal(kinds(trace).filter((one) => one === kind).length, 1, `one ${kind}`)
  }
  const queued = traces.flatMap(({ steps }) =>
    steps.flatMap(({ waited = 0 }) => (waited > 1 ? [waited] : [])),
  )
  t.ok(queued.length > 5, 'most of them waited for the hasher')
  t.equal(new Set(traces.flatMap(({ steps }) => steps.flatMap(({ session }) => session ?? []))).size, 20)
})

t.test('the steps of a request lie within its duration', async (t) => {
  const wrong = [...watching.traces.values()].flatMap(({ steps, ms = 0, clientDisconnected }) =>
    steps.filter(
      ({ from, to, waited = 0 }) =>
        !(from >= 0 && from <= to && waited <= to - from + 0.02 && (clientDisconnected || to <= ms + 0.01)),
    ),
  )
  t.same(wrong, [])
})

t.test('the timeline does not show X-ray’s own requests', async (t) => {
  await call('GET', '/xray')
  await call('GET', '/xray/main.js')
  await watching.settled()
  t.same(
    [...watching.traces.values()].filter(({ path }) => path.includes('xray')),
    [],
  )
})

t.test('requests for pages and their files are traced separately from API requests', async (t) => {
  for (const path of ['/docs', '/header.css', '/openapi.json', '/guide'])
    t.equal((await sendTraced('GET', path)).isPage, true, path)
  for (const path of ['/posts', '/health', '/nothing', '/xray/bench/session/crowd/one'])
    t.equal((await sendTraced('GET', path)).isPage, undefined, path)
})

t.test('the timeline shows no value that a client sent, wherever it was', async (t) => {
  const secret = 'correct-horse-battery-staple'
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2VjcmV0'
  await call('GET', `/users/${secret}`, { token: ada.token })
  await call('GET', `/${secret}`)
  await call('GET', `/posts?search=${secret}&${secret}=1&${secret}=2`, { token: ada.token })
  await call('GET', `/posts?limit=${secret}`, { token: ada.token })
  await call('GET', `/guide/errors/${secret}`)
  await call('GET', '/users/me', { token })
  await call('GET', '/users/me', { headers: { authorization: `Basic ${secret}` } })
  await call('GET', '/users/me', { headers: { cookie: `session=${secret}` } })
  await call('POST', '/users', { json: { email: `${secret}@example.com`, password: secret } })
  await call('POST', '/users', { json: { email: secret, password: { [secret]: secret } } })
  await call('POST', '/users', {
    json: { email: `${secret}@example.com`, password: secret, [secret]: secret },
  })
  await call('POST', '/login', { form: { username: secret, password: secret } })
  await call('POST', '/login', { form: { username: `${secret}@example.com`, password: secret } })
  await call('POST', '/login', {
    text: `{"password":"${secret}`,
    headers: { 'content-type': 'application/json' },
  })
  await call('POST', '/posts', { token: ada.token, json: { title: secret, content: secret } })
  await call('POST', '/posts', {
    token: ada.token,
    text: secret,
    headers: { 'content-type': secret.slice(0, 20) },
  })
  await call('POST', '/token/refresh', { json: { refresh_token: secret } })
  await call('POST', '/logout', { json: { refresh_token: secret } })
  await call('PUT', '/users/me/password', {
    token: ada.token,
    json: { current_password: secret, new_password: `${secret}2` },
  })
  await call('POST', '/ways/throws')
  await callRaw(url, `/posts/%zz${secret}`)
  await callRaw(url, `/${secret.repeat(20)}`)
  await watching.settled()
  // The only value is the name of a caller whose token was accepted.
  const text = watching.text().replaceAll('"name":"ada@example.com"', '')
  for (const hidden of [
    secret,
    'correct',
    token,
    'eyJ',
    PASSWORD,
    'apples',
    '@',
    '$2b$',
    'secret words',
    ada.token,
  ])
    t.notOk(text.includes(hidden), hidden)
  t.ok(text.includes('"path":"/users/…"'), 'the requests are shown')
})
