import t from 'tap'
import type { ClientResponse } from '../../../test-support/client.ts'
import { serve } from '../../../test-support/social-api.ts'
import { isSql, recorder, statements } from './recorder.ts'

t.test('at debug each statement of a request is logged with its id, in the order it was sent', async (t) => {
  const { taken, loggerInstance } = recorder('debug')
  const { call, signUp } = await serve(t, { loggerInstance })
  const { token } = await signUp('ann@example.com')
  await taken()

  await call('POST', '/posts', { token, json: { title: 'a', content: 'b' } })
  const lines = await taken()
  const [reqId, ...others] = new Set(lines.flatMap((line) => line.reqId ?? []))
  t.match(reqId, /^req-/)
  t.same(others, [])
  t.match(statements(lines), [/ from "users"/, /^BEGIN/, /^insert into "posts"/, /^COMMIT$/])
  t.equal(statements(lines).length, 4)
  for (const line of lines.filter(isSql)) t.match(line, { reqId, level: 20, ms: Number })
})

t.test('a write that is refused ends in ROLLBACK, and not in COMMIT', async (t) => {
  const { taken, loggerInstance } = recorder('debug')
  const { call, signUp } = await serve(t, { loggerInstance })
  await signUp('ann@example.com')
  await taken()
  const again = await call('POST', '/users', {
    json: { email: 'ann@example.com', password: 'a good password' },
  })
  t.equal(again.status, 409)
  const sent = statements(await taken())
  t.match(sent, [/^BEGIN/, /^insert into "users"/, /^ROLLBACK$/])
  t.equal(sent.length, 3)
})

t.test('requests without a statement, known and unknown, log none', async (t) => {
  const { taken, loggerInstance } = recorder('debug')
  const { call } = await serve(t, { loggerInstance })
  for (const [method, path] of [
    ['GET', '/health'],
    ['GET', '/nothing'],
    ['PATCH', '/posts'],
    ['GET', '/posts'],
  ] as const) {
    await call(method, path)
  }
  const lines = await taken()
  t.same(statements(lines), [])
  t.equal(new Set(lines.flatMap((line) => line.reqId ?? [])).size, 4, 'though each has its lines')
})

t.test('requests at the same time never get each other’s statements', async (t) => {
  const { loggerInstance, taken } = recorder('debug')
  // Fewer connections than requests, so that each waits for another's.
  const { call, signUp } = await serve(t, { loggerInstance, poolMax: 2 })
  const { token } = await signUp('ann@example.com')
  const form = { username: 'ann@example.com', password: 'a good password' }
  const kinds: Record<string, () => Promise<ClientResponse>> = {
    'GET /posts': () => call('GET', '/posts', { token }),
    'GET /users/me': () => call('GET', '/users/me', { token }),
    'GET /users/1': () => call('GET', '/users/1', { token }),
    'POST /posts': () => call('POST', '/posts', { token, json: { title: 'a', content: 'b' } }),
    'POST /login': () => call('POST', '/login', { form }),
    'GET /health': () => call('GET', '/health'),
  }

  await taken()
  const alone = new Map<string, string[]>()
  for (const [name, send] of Object.entries(kinds)) {
    await send()
    alone.set(name, statements(await taken()))
  }
  t.equal(new Set([...alone.values()].map(String)).size, 6, 'no two are alike')
  t.match(alone.get('POST /login'), [/^SELECT lower/, /^select "users"/])
  t.same(alone.get('GET /health'), [])

  const answers = await Promise.all(
    Array.from({ length: 6 }, () => Object.values(kinds).map((send) => send())).flat(),
  )
  t.ok(answers.every(({ status }) => status < 400))
  const lines = await taken()
  const incoming = lines.filter(({ msg }) => msg === 'incoming request')
  t.equal(incoming.length, answers.length)
  for (const { reqId, req } of incoming) {
    const name = `${req?.method} ${req?.url}`
    // A login gives its charges back in parallel.
    const sent = statements(lines.filter((line) => line.reqId === reqId))
    t.same(sent.sort(), alone.get(name)?.sort(), `${name}, ${reqId}`)
  }
  t.same(statements(lines.filter((line) => line.reqId === undefined)), [], 'and none is nobody’s')
})

t.test('the values bound to a statement are not logged, also where it fails', async (t) => {
  const { taken, loggerInstance } = recorder('debug')
  const { app, call, signUp } = await serve(t, { loggerInstance })
  const { token } = await signUp('unmistakable@example.com')
  const json = { title: 'an unmistakable title', content: 'and unmistakable words' }
  await call('POST', '/posts', { token, json })
  await app.knex.raw("ALTER TABLE posts ADD CHECK (title <> 'an unmistakable failure')")
  const refused = await call('POST', '/posts', { token, json: { ...json, title: 'an unmistakable failure' } })
  t.equal(refused.status, 409, 'as at any level')
  await app.knex.raw('ALTER TABLE posts ALTER content TYPE varchar(30)')
  const failed = await call('POST', '/posts', { token, json: { ...json, content: 'unmistakable'.repeat(9) } })
  t.equal(failed.status, 500)
  await call('GET', '/posts?limit=7', { token })

  const log = JSON.stringify(await taken())
  t.match(log, /"code":"22001"/, 'the failure itself is there')
  t.match(log, /insert into/i)
  t.notMatch(log, /unmistakable/)
  t.notMatch(log, token)
  t.notMatch(log, /\$2b\$/)
})

t.test(
  'a statement straight on the pool that fails is logged as well, and fails as it would without',
  async (t) => {
    const { taken, loggerInstance } = recorder('debug')
    const { app, call, signUp } = await serve(t, { loggerInstance })
    await signUp('ann@example.com')
    await app.knex.schema.renameTable('users', 'elsewhere')
    await taken()
    const form = { username: 'ann@example.com', password: 'a good password' }
    t.match(await call('POST', '/login', { form }), { status: 500, body: { code: 'INTERNAL' } })
    const lines = await taken()
    t.ok(statements(lines).some((sql) => /JOIN users/.test(sql)))
    t.match(
      lines.find(({ msg }) => msg === 'request failed'),
      { err: { cause: { code: '42P01' } } },
    )
  },
)

t.test('at info nothing is said of SQL', async (t) => {
  const { taken, loggerInstance } = recorder('info')
  const { call, signUp } = await serve(t, { loggerInstance })
  const { token } = await signUp('ann@example.com')
  await call('GET', '/posts', { token })
  await call('POST', '/posts', { token, json: { title: 'a', content: 'b' } })
  const lines = await taken()
  t.ok(lines.some(({ reqId }) => reqId !== undefined))
  t.same(statements(lines), [])
  t.notMatch(JSON.stringify(lines), /select|insert|BEGIN|COMMIT/)
})
