import { subscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { serveXray } from './setup.ts'

const { call, signUp } = await serveXray(t)

t.test('the token bench signs tokens that the service rejects, each for a different reason', async (t) => {
  const { id, token } = await signUp('ann@example.com')
  const reasons: unknown[] = []
  subscribe('auth-primer:jwt-kit:refuse', (event) => reasons.push(event))

  for (const flaw of ['expired', 'other-issuer']) {
    const { status, body } = await call('POST', '/xray/bench/token', { token, json: { flaw } })
    t.equal(status, 200)
    const { sub } = JSON.parse(Buffer.from(body.token.split('.')[1], 'base64url').toString())
    t.equal(sub, String(id), 'the token belongs to the caller')
    t.equal((await call('GET', '/users/me', { token: body.token })).status, 401)
  }
  t.match(reasons, [
    { code: 'JWT_KIT_EXPIRED', part: 'payload', claim: 'exp' },
    { code: 'JWT_KIT_WRONG_ISSUER', part: 'payload', claim: 'iss' },
  ])
  t.equal((await call('GET', '/users/me', { token })).status, 200, 'the caller’s own token is still valid')
})

t.test('the token bench needs a valid token, and signs no token that the service accepts', async (t) => {
  const { token } = await signUp('ben@example.com')
  t.equal((await call('POST', '/xray/bench/token', { json: { flaw: 'expired' } })).status, 401)
  const { body } = await call('POST', '/xray/bench/token', { token, json: { flaw: 'expired' } })
  t.equal(
    (await call('POST', '/xray/bench/token', { token: body.token, json: { flaw: 'expired' } })).status,
    401,
  )
  for (const flaw of ['none', ''])
    t.equal((await call('POST', '/xray/bench/token', { token, json: { flaw } })).status, 422)
})
