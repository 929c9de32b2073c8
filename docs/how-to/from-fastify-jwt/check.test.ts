import { randomBytes } from 'node:crypto'
import t from 'tap'
import { buildAfter } from './after.ts'
import { buildBefore } from './before.ts'

const secret = randomBytes(32).toString('base64url')
const before = await buildBefore(secret)
const after = await buildAfter(secret)
t.teardown(() => Promise.all([before.close(), after.close()]))

const readToken = async (app: typeof before): Promise<string> =>
  (await app.inject({ method: 'POST', url: '/login' })).json().access_token
const me = (app: typeof before, token: string) =>
  app.inject({ url: '/me', headers: { authorization: `Bearer ${token}` } })

t.test('both services identify the user of their tokens', async (t) => {
  for (const app of [before, after]) t.same((await me(app, await readToken(app))).json(), { id: 7 })
})

t.test('the new service rejects a token of the old one with a challenge', async (t) => {
  const { statusCode, headers } = await me(after, await readToken(before))
  t.equal(statusCode, 401)
  t.match(headers['www-authenticate'], /^Bearer error="invalid_token"/)
})

t.test('the old service accepts the tokens of the new one', async (t) => {
  t.same((await me(before, await readToken(after))).json(), { id: 7 })
})
