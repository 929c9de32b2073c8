import assert from 'node:assert/strict'
import { explainToken } from '@auth-primer/jwt-kit'
import { chapter } from '../../check/chapter.ts'

const ADA = {
  id: 7,
  email: 'ada@example.com',
  password: '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy',
  role: 'admin' as const,
}

/** Returns a token of another service, signed with a key that is not available here. */
const foreign = (payload: object) =>
  [{ alg: 'RS256', typ: 'JWT' }, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat('c2lnbmVkLWVsc2V3aGVyZQ')
    .join('.')

await chapter(import.meta.url, async ({ load, check }) => {
  const { issueToken, readPayload } = await load<typeof import('./solution/token.ts')>('token.ts')
  const issued = async () => explainToken(await issueToken(ADA))

  await check(
    'no-token',
    'a token has three parts and says who the user is, what they may do, and when it expires',
    [
      'Which claims does the kind of token `access` declare? It needs one for the user and one for the role.',
      'Declare two claims, `sub` (the user’s ID as a string, see RFC 7519) and `role`, and sign them.',
      'Declare `sub: Type.String()` and `role: Type.Union([…])`, then call `kit.access.sign({ sub: String(id), role })`.',
    ],
    async () => {
      const { parts } = await issued()
      assert.deepEqual(
        parts.map(({ name, problem }) => problem ?? name),
        ['header', 'payload', 'signature'],
        'The token must have these three parts.',
      )
      const { sub, role, exp } = parts[1]?.value ?? {}
      assert.deepEqual({ sub, role }, { sub: '7', role: 'admin' }, 'The payload must have these two claims.')
      assert.equal(
        typeof exp,
        'number',
        'The token must have the claim `exp`. Without it, the token never expires.',
      )
    },
  )

  await check(
    'readable-email',
    'the payload contains nothing else about the user',
    [
      'Read your token as in step 1. What can someone learn from it who finds it in a log?',
      'The ID is enough: a server that needs the email can look it up. A password or its hash never belongs in a token.',
      'Leave `email` and `password` out of the claims: declare and sign only `sub` and `role`.',
    ],
    async () => {
      const { claims } = await issued()
      for (const [name, secret] of Object.entries({ email: ADA.email, 'stored hash': ADA.password })) {
        const found = claims.find(({ value }) => JSON.stringify(value).includes(secret))
        assert.ok(!found, `The user’s ${name} can be read in the claim \`${found?.name}\`.`)
      }
    },
  )

  await check(
    'asks-for-the-key',
    'any token can be read without its key, even an expired one',
    [
      'Do you need a key to decode base64url?',
      'Split the token at its dots and decode the second part. Do not verify anything: that comes in chapter 08.',
      "`JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())`",
    ],
    async () => {
      const payload = { iss: 'somebody-else', exp: 1300819380, 'https://example.com/is_root': true }
      const read = await readPayload(foreign(payload))
      assert.deepEqual(read, payload, 'readPayload() must return the payload of another service’s token.')
    },
  )

  await check(
    'atob',
    'the payload is decoded correctly, whatever characters are in it',
    [
      'Is the payload base64 or base64url? Which characters differ? And how is its text encoded?',
      'base64url uses `-` and `_` instead of `+` and `/`. The decoded bytes are UTF-8, which `atob` does not decode.',
      "`Buffer.from(part, 'base64url').toString()` does both.",
    ],
    async () => {
      for (const payload of [{ sub: 'Zoë 🍅' }, { sub: '???>>>' }, { sub: '~~~' }, {}])
        assert.deepEqual(
          await readPayload(foreign(payload)),
          payload,
          'readPayload() must return exactly this payload.',
        )
    },
  )
})
