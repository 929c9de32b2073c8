import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { explainToken } from '@auth-primer/jwt-kit'
import { chapter } from '../../check/chapter.ts'

const SECRET = randomBytes(32).toString('base64url')
const ADA = {
  id: 7,
  email: 'ada@example.com',
  password: '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy',
  role: 'admin' as const,
}
const HASHES: Readonly<Record<string, string>> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }

/** Returns a token of another service, signed with a key that is not available here. */
const foreign = (payload: object) =>
  [{ alg: 'RS256', typ: 'JWT' }, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat('c2lnbmVkLWVsc2V3aGVyZQ')
    .join('.')

await chapter(import.meta.url, async ({ load, check, expectation }) => {
  const { createIssueToken, readPayload } = await load<typeof import('./solution/token.ts')>(
    'token.ts',
    'createIssueToken',
    'readPayload',
  )
  let token = ''

  await check(
    'no-token',
    'a token has three parts and says who the user is, what they may do, and when it expires',
    [
      'Which claims does the token kind `access` declare? It needs one for the user and one for the role.',
      'Declare two claims, `sub` (the user’s ID as a string, see RFC 7519) and `role`, and sign them.',
      'Declare `sub: Type.String()` and `role: Type.Union([…])`, then call `kit.access.sign({ sub: String(id), role })`.',
    ],
    async () => {
      token = await createIssueToken(SECRET)(ADA)
      assert.ok(
        typeof token === 'string',
        `The function must return the token as a string. It returned a value of type ${typeof token}.`,
      )
      const { parts } = explainToken(token)
      assert.deepEqual(
        parts.map(({ name, problem }) => problem ?? name),
        ['header', 'payload', 'signature'],
        'The token must have these three parts.',
      )
      const { sub, role, exp, ...others } = parts[1]?.value ?? {}
      const otherName = Object.entries(others).find(([, value]) => Number(value) === ADA.id)?.[0]
      await expectation(
        'other-claim',
        [
          'Which claim of your token contains the user’s ID? Read the token as in step 1.',
          'RFC 7519 registers the name `sub` (subject) for it, so every service knows where to look.',
          'Declare `sub: Type.String()`, and sign `{ sub: String(id), role }`.',
        ],
        () =>
          assert.ok(
            sub !== undefined || !otherName,
            `The token has the user’s ID in the claim \`${otherName}\`. The registered name for this claim is \`sub\`.`,
          ),
      )
      await expectation(
        'numeric-sub',
        [
          'What type is the value of `sub` in your token?',
          'RFC 7519 says that `sub` is a string. Some libraries accept a number, but others reject the token.',
          '`sub: String(id)`',
        ],
        () =>
          assert.ok(
            sub === undefined || typeof sub === 'string',
            `The claim \`sub\` must be a string. It is ${JSON.stringify(sub)}.`,
          ),
      )
      await expectation(
        'no-role',
        [
          'The token says who the user is. Where does it say what they may do?',
          'Declare a second claim, `role`, and sign it.',
          '`kit.access.sign({ sub: String(id), role })`',
        ],
        () => assert.ok(sub !== `${ADA.id}` || role !== undefined, 'The token has no `role` claim.'),
      )
      assert.deepEqual({ sub, role }, { sub: '7', role: 'admin' }, 'The payload must have these two claims.')
      await expectation(
        'never-expires',
        [
          'When does your token expire? Look for the `exp` claim.',
          'A token without `exp` works forever, even for someone who has copied it.',
          "The kit adds `exp` from `ttl: '30m'`. In other libraries, the option is `expiresIn` or `setExpirationTime`.",
        ],
        () =>
          assert.equal(
            typeof exp,
            'number',
            'The token must have the claim `exp`. Without it, the token never expires.',
          ),
      )
    },
  )

  await check(
    'readable-email',
    'the payload contains nothing else about the user',
    [
      'Read your token as in step 1. What could someone who finds it in a log learn from it?',
      'The ID is enough: a server that needs the email can look it up. A password or its hash never belongs in a token.',
      'Leave `email` and `password` out of the claims: declare and sign only `sub` and `role`.',
    ],
    () => {
      const { claims } = explainToken(token)
      for (const [name, secret] of Object.entries({ email: ADA.email, 'stored hash': ADA.password })) {
        const found = claims.find(({ value }) => JSON.stringify(value).includes(secret))
        assert.ok(!found, `The user’s ${name} can be read in the claim \`${found?.name}\`.`)
      }
    },
  )

  await check(
    'own-secret',
    'the token is signed with the secret that your function gets',
    [
      'Where does your signing key come from? Two processes must sign with the same one.',
      'If the code creates a key, each restart makes all tokens invalid. If the key is written in the code, everyone who reads the code knows it.',
      "`keyring('HS256', [{ kid: '1', key: secret }])`",
    ],
    () => {
      const [header = '', payload = '', signature] = token.split('.')
      const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString())
      const name = HASHES[alg]
      assert.ok(name, `The token’s algorithm must be HS256, HS384 or HS512. It is ${alg}.`)
      const expected = createHmac(name, SECRET).update(`${header}.${payload}`).digest('base64url')
      assert.ok(signature === expected, 'The signature was not computed with the secret.')
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
      const read: unknown = await readPayload(foreign(payload))
      await expectation(
        'text-returned',
        [
          'What type is the value that `readPayload` returns?',
          'The decoded payload is a string of JSON. Parse it into an object.',
          '`return JSON.parse(text)`',
        ],
        () =>
          assert.ok(typeof read !== 'string', 'readPayload() must return an object. It returned a string.'),
      )
      await expectation(
        'other-part',
        [
          'A token has three parts. Which one does `readPayload` return?',
          'The first part is the header, and the second one is the payload.',
          "`const [, payload = ''] = token.split('.')`: the comma skips the header.",
        ],
        () =>
          assert.ok(
            !(typeof read === 'object' && read !== null && 'alg' in read),
            'readPayload() returned the header, not the payload.',
          ),
      )
      assert.deepEqual(read, payload, 'readPayload() must return the payload of another service’s token.')
    },
  )

  await check(
    'atob',
    'the payload is decoded correctly, whatever characters it contains',
    [
      'Is the payload base64 or base64url? Which characters differ? And how is the text in it encoded?',
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
