import type { FastifyInstance } from 'fastify'
import fastify from 'fastify'
import t from 'tap'
import authHash from '../src/fastify.ts'

/** One computation at a time, none waiting. */
const OPTIONS = { cost: 4, unsafeLowCost: true, concurrency: 1, maxQueue: 0 } as const

async function service(configure: (app: FastifyInstance) => void = () => {}) {
  const app = fastify()
  await app.register(authHash, OPTIONS)
  configure(app)
  app.post<{ Body: { password: string } }>('/users', async ({ body }) => ({
    hash: await app.hasher.hash(body.password),
  }))
  app.post<{ Body: { password: string; hash: string } }>('/login', ({ body }) => app.hasher.verify(body))
  // Takes the one place there is, and then asks for another.
  app.post<{ Params: { method: 'hash' | 'verify' } }>('/two/:method', async ({ params }) => {
    const first = app.hasher.hash('pw')
    const hashing = params.method === 'hash'
    const second = hashing ? app.hasher.hash('pw') : app.hasher.verify({ password: 'pw', hash: null })
    await second.finally(() => first)
  })
  return app
}

t.test('app.hasher hashes and verifies, also in routes of other plugins', async (t) => {
  const app = await service()
  t.teardown(() => app.close())
  const { hash } = (await app.inject({ method: 'POST', url: '/users', body: { password: 'pw' } })).json()
  const login = (password: string) => app.inject({ method: 'POST', url: '/login', body: { password, hash } })
  t.strictSame((await login('pw')).json(), { ok: true, needsRehash: false })
  t.strictSame((await login('no')).json(), { ok: false, reason: 'wrong-password' })
  t.match(app.hasher.stats, { finished: 3, running: 0 })
})

t.test('overload is answered with 503 and Retry-After', async (t) => {
  const app = await service()
  t.teardown(() => app.close())
  for (const method of ['hash', 'verify']) {
    const answer = await app.inject({ method: 'POST', url: `/two/${method}` })
    t.equal(answer.statusCode, 503)
    t.equal(answer.headers['retry-after'], '1')
    t.match(answer.json(), { code: 'AUTH_HASH_OVERLOADED', statusCode: 503 })
  }
  t.match(app.hasher.stats, { overloaded: 2 })
})

t.test('no place to be kept is 503 and Retry-After too', async (t) => {
  const app = await service((app) => {
    app.post('/reserve', async () => {
      app.hasher.reserve()
    })
  })
  t.teardown(() => app.close())
  t.equal((await app.inject({ method: 'POST', url: '/reserve' })).statusCode, 200)
  const answer = await app.inject({ method: 'POST', url: '/reserve' })
  t.match(answer, { statusCode: 503, headers: { 'retry-after': '1' } })
  t.match(answer.json(), { code: 'AUTH_HASH_OVERLOADED' })
})

t.test('a service’s own error handler can read code and retryAfter', async (t) => {
  const app = await service((app) =>
    app.setErrorHandler<Error & { code: string; retryAfter: number }>(
      ({ code, retryAfter }, _request, reply) => reply.code(503).send({ code, retryAfter }),
    ),
  )
  t.teardown(() => app.close())
  const answer = await app.inject({ method: 'POST', url: '/two/hash' })
  t.strictSame(answer.json(), { code: 'AUTH_HASH_OVERLOADED', retryAfter: 1 })
})

t.test('a password that cannot be hashed is the client’s fault: 400', async (t) => {
  const app = await service()
  t.teardown(() => app.close())
  const answer = await app.inject({ method: 'POST', url: '/users', body: { password: 'a'.repeat(73) } })
  t.equal(answer.statusCode, 400)
  t.match(answer.json(), { code: 'AUTH_HASH_PASSWORD_TOO_LONG' })
})

t.test('a password that is not a string, or is missing, is the client’s fault: 400', async (t) => {
  const app = await service()
  t.teardown(() => app.close())
  for (const [url, body] of [
    ['/users', { password: 12 }],
    ['/users', {}],
    ['/login', { password: { $ne: null }, hash: 'x' }],
    ['/login', { hash: 'x' }],
  ] as const) {
    const answer = await app.inject({ method: 'POST', url, body })
    t.equal(answer.statusCode, 400)
    t.match(answer.json(), { code: 'AUTH_HASH_INVALID_ARGUMENT' })
  }
})

t.test('an unknown option of a call is the service’s fault: 500', async (t) => {
  const app = await service()
  t.teardown(() => app.close())
  const body = { password: 'pw', hash: 'x', isAdmin: true }
  const answer = await app.inject({ method: 'POST', url: '/login', body })
  t.equal(answer.statusCode, 500)
  t.match(answer.json(), { code: 'AUTH_HASH_INVALID_OPTION' })
})

t.test('wrong options are found when the app starts', async (t) => {
  const app = fastify()
  t.teardown(() => app.close())
  app.register(authHash, { cost: 4 })
  await t.rejects(async () => app.ready(), { code: 'AUTH_HASH_INVALID_OPTION' })
})
