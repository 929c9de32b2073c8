import bcrypt from 'bcrypt'
import t from 'tap'
import { digest } from '../src/bcrypt.ts'
import { createHasher } from '../src/create-hasher.ts'
import { checkKnownAnswers } from '../src/known-answers.ts'
import { selfTest } from '../src/self-test.ts'

const hasher = createHasher({ cost: 4, unsafeLowCost: true })

const KNOWN = [
  ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['U*U', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['U*U', '$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy'],
  ['caf\u00e9', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.nOuSbjL5F2OF3gGGCewLeZYk8mdGqQ6'],
  ['cafe\u0301', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.lZ3uoinyXULExuzHPjw3OzGQY39Oye6'],
  ['a'.repeat(72), '$2b$05$CCCCCCCCCCCCCCCCCCCCC.ODcEJfYFxKziEakDsjep8mcF3zSCvHq'],
  ['p@5sw0rd', '$2b$12$zQ4CooEXdGqcwi0PHsgc8eAf0DLXE/XHoBE8kCSGQ97rXwuClaPam'],
  ['password2345', '$2y$10$7aUWwJkcNt8Nl6lyMbEK3.kUYVV3yDWhxoFY476uSsQdHaq3diMjG'],
  ['password', '$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2'],
  [
    'correct horse battery staple',
    'bcrypt_sha256$$2b$05$CCCCCCCCCCCCCCCCCCCCC.Hj1dXHv09DjjbM63xDk5X5vTegF/6Vq',
  ],
] as const

for (const [password, hash] of KNOWN) {
  t.test(`verifies ${JSON.stringify(password)} against ${hash.slice(0, 20)}…`, async (t) => {
    t.match(await hasher.verify({ password, hash }), { ok: true })
  })

  t.test(`refuses another password than ${JSON.stringify(password)} for ${hash.slice(0, 20)}…`, async (t) => {
    t.strictSame(await hasher.verify({ password: `x${password.slice(1)}`, hash }), {
      ok: false,
      reason: 'wrong-password',
    })
  })
}

t.test('hashes what bcrypt itself verifies', async (t) => {
  const hash = await hasher.hash('p@5sw0rd')
  t.equal(await bcrypt.compare('p@5sw0rd', hash), true)
  t.equal(await bcrypt.compare('p@5sw0rD', hash), false)
})

t.test('selfTest passes with the bcrypt that is installed', async (t) => {
  await t.resolves(selfTest())
})

t.test('the self-test finds a bcrypt that computes something else', async (t) => {
  const broken: typeof digest = async (secret, salt, cost) => {
    const right = await digest(secret, salt, cost)
    return secret.length === 72 ? right.replace('O', 'P') : right
  }
  await t.rejects(checkKnownAnswers(broken), {
    code: 'AUTH_HASH_SELF_TEST_FAILED',
    message: 'Expected bcrypt to give the known answer for a password of 72 bytes, got a different one',
  })
})
