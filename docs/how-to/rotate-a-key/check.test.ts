import { randomBytes } from 'node:crypto'
import { testClock } from '@auth-primer/jwt-kit/testing'
import t from 'tap'
import { rotateWithoutRestart, rotation } from './kits.ts'

const secret = () => randomBytes(32).toString('base64url')
const [old, next] = [secret(), secret()]

t.test('no token is rejected while processes are in two consecutive states', async (t) => {
  const clock = testClock('2026-11-22T12:00:00Z')
  const { before, known, signing, after } = rotation(old, next, clock.now)
  for (const [one, other] of [
    [before, known],
    [known, signing],
    [signing, after],
  ] as const) {
    if (other === after) clock.advance('61m')
    await t.resolves(other.access.verify(one.access.sign({ sub: '7' })))
    await t.resolves(one.access.verify(other.access.sign({ sub: '7' })))
  }
})

t.test('tokens are rejected if a step is left out', async (t) => {
  const { before, signing } = rotation(old, next, testClock('2026-11-22T12:00:00Z').now)
  await t.rejects(before.access.verify(signing.access.sign({ sub: '7' })), { code: 'JWT_KIT_UNKNOWN_KEY' })
})

t.test('the old key is valid until its verifyUntil, and not after it', async (t) => {
  const clock = testClock('2026-11-22T12:45:00Z')
  const { known, signing } = rotation(old, next, clock.now)
  const token = known.access.sign({ sub: '7' })
  await t.resolves(signing.access.verify(token))
  clock.advance('15m')
  await t.rejects(signing.access.verify(token), { code: 'JWT_KIT_RETIRED_KEY' })
})

t.test('replaceKeys() takes effect without a restart, also in existing guards', async (t) => {
  const clock = testClock('2026-11-22T12:00:00Z')
  const { before, after } = rotation(old, next, clock.now)
  const guard = before.access.guard()
  const request = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  const [oldToken, newToken] = [before.access.sign({ sub: '7' }), after.access.sign({ sub: '7' })]
  await t.rejects(guard(request(newToken)), { code: 'JWT_KIT_INVALID_TOKEN' })
  rotateWithoutRestart(before, old, next)
  for (const token of [oldToken, newToken]) await t.resolves(guard(request(token)))
})
