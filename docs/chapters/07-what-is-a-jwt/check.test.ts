import assert from 'node:assert/strict'
import { explainToken } from '@auth-primer/jwt-kit'
import { chapter } from '../../check/chapter.ts'

const ADA = {
  id: 7,
  email: 'ada@example.com',
  password: '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy',
  role: 'admin' as const,
}

/** A token of another service, whose key nobody here has. */
const foreign = (payload: object) =>
  [{ alg: 'RS256', typ: 'JWT' }, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat('c2lnbmVkLWVsc2V3aGVyZQ')
    .join('.')

await chapter(import.meta.url, async ({ load, claim }) => {
  const { issueToken, readPayload } = await load<typeof import('./solution/token.ts')>('token.ts')
  const issued = async () => explainToken(await issueToken(ADA))

  await claim(
    'no-token',
    'a token has three parts, and says who the user is, what they may do, and until when',
    [
      'Whose token is it? The kind of token, `access`, has no claim yet that could say so.',
      'Give it two claims, `sub` (the id as text, as RFC 7519 has it) and `role`, and sign them.',
      '`sub: Type.String()`, `role: Type.Union([…])`; then `kit.access.sign({ sub: String(id), role })`.',
    ],
    async () => {
      const { parts } = await issued()
      assert.deepEqual(
        parts.map(({ name, problem }) => problem ?? name),
        ['header', 'payload', 'signature'],
        'These are its parts.',
      )
      const { sub, role, exp } = parts[1]?.value ?? {}
      assert.deepEqual({ sub, role }, { sub: '7', role: 'admin' }, 'These claims are in the payload.')
      assert.equal(typeof exp, 'number', 'The token has no end: there is no `exp`.')
    },
  )

  await claim(
    'readable-email',
    'the payload holds nothing else of the user',
    [
      'Read your token as in step 1. What does somebody learn from it who finds it in a log?',
      'An id is enough: who needs the e-mail looks it up. A password or its hash is nobody’s business.',
      'Leave `email` and `password` out of the claims: `Type.Object({ sub, role })`, `sign({ sub, role })`.',
    ],
    async () => {
      const { claims } = await issued()
      for (const [name, secret] of Object.entries({ 'e-mail': ADA.email, 'stored hash': ADA.password })) {
        const where = claims.find(({ value }) => JSON.stringify(value).includes(secret))
        assert.ok(!where, `The user’s ${name} can be read in the claim \`${where?.name}\`.`)
      }
    },
  )

  await claim(
    'asks-for-the-key',
    'any token can be read without its key, also one that has expired',
    [
      'Which key do you need to decode base64url?',
      'Take the token apart at its dots and decode the second part. Verify nothing: that is chapter 08.',
      "`JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())`",
    ],
    async () => {
      const payload = { iss: 'somebody-else', exp: 1300819380, 'https://example.com/is_root': true }
      const read = await readPayload(foreign(payload))
      assert.deepEqual(read, payload, 'Another service’s token was read.')
    },
  )

  await claim(
    'atob',
    'it is read right, whatever letters are in it',
    [
      'Is it base64, or base64url? Which characters differ? And in which encoding is the text?',
      'base64url has `-` and `_` for `+` and `/`. The bytes it gives are UTF-8, which `atob` does not decode.',
      "`Buffer.from(part, 'base64url').toString()` does both.",
    ],
    async () => {
      for (const payload of [{ sub: 'Zoë 🍅' }, { sub: '???>>>' }, { sub: '~~~' }, {}])
        assert.deepEqual(await readPayload(foreign(payload)), payload, 'This payload was read.')
    },
  )
})
