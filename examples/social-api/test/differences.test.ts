import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import t from 'tap'
import { callRaw, SECRET, serve, truncateTables } from '../../../test-support/social-api.ts'
import { POST_BODY_LIMIT } from '../platform/http.ts'
import { PROBLEMS } from '../src/problem.ts'

const { app, call, signUp, url } = await serve(t)
t.beforeEach(() => truncateTables(app.knex))

const PAGE = resolve(import.meta.dirname, '../../../docs/differences.md')

t.test(
  'a token that the course’s tests sign themselves is rejected, and one from a login is accepted',
  async (t) => {
    const { id, token } = await signUp('ann@example.com')
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
    const claims = encode({ user_id: id, exp: Math.floor(Date.now() / 1000) + 1800 })
    const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${claims}`
    const own = `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`
    t.match(await call('GET', '/posts/', { token: own }), { status: 401, body: { code: 'TOKEN_INVALID' } })
    t.equal((await call('GET', '/posts/', { token })).status, 200)
  },
)

t.test('the service differs from the course as the page states', async (t) => {
  const { token } = await signUp('ann@example.com')
  const auth = { authorization: `Bearer ${token}` }
  const json = { title: 'a', content: 'b' }
  const send = (text: string, type = 'application/json') =>
    call('POST', '/posts', { token, text, headers: { 'content-type': type } })

  t.equal((await call('GET', '/users/1')).status, 401)
  t.equal((await callRaw(url, '/login/', { method: 'POST' })).status, 422, 'no redirect')
  t.equal((await callRaw(url, '/posts', { method: 'HEAD', headers: auth })).status, 200)
  t.equal((await call('GET', '/redoc')).status, 404)
  t.match(await call('POST', '/posts', { token, json }), {
    status: 201,
    body: { created_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ },
  })
  t.equal((await call('POST', '/posts', { token, json })).headers.get('location'), '/posts/2')
  t.equal((await send('{')).status, 400)
  t.equal((await send('title=a', 'text/plain')).status, 415)
  t.equal((await send(JSON.stringify({ ...json, x: 'x'.repeat(POST_BODY_LIMIT) }))).status, 413)
  t.equal((await send(JSON.stringify({ ...json, x: 'x'.repeat(POST_BODY_LIMIT - 100) }))).status, 201)
  t.equal((await call('GET', '/posts?limit=1&limit=2', { token })).status, 422)
  t.equal((await callRaw(url, '/posts?search=100%', { headers: auth })).status, 400)
  t.equal((await callRaw(url, '/posts?search=100%25', { headers: auth })).status, 200)
})

t.test('the page shows an error as the service sends it, and names only existing codes', async (t) => {
  const { token } = await signUp('ann@example.com')
  const page = await readFile(PAGE, 'utf8')
  const [, example = ''] = /```json\n(.*?)```/s.exec(page) ?? []
  const { body } = await call('POST', '/posts', { token, json: { content: 'b' } })
  t.same({ ...body, instance: 'req-1' }, JSON.parse(example))

  const named = [...page.matchAll(/(?:\d{3} |: |, )`([A-Z]+_[A-Z_]+)`/g)].map(([, code]) => code ?? '')
  t.ok(named.length >= 6)
  for (const code of named) t.ok(code in PROBLEMS, code)
})
