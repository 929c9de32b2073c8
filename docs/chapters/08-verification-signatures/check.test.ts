import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { Type } from '@sinclair/typebox'
import { chapter } from '../../check/chapter.ts'

const NOON = Date.parse('2026-11-22T12:00:00Z')
const HALF_AN_HOUR = 30 * 60_000
const SECRET = randomBytes(32).toString('base64url')
const claims = Type.Object({ sub: Type.String(), role: Type.String() })
const kinds = {
  access: tokenKind('access+jwt', { ttl: '30m', claims }),
  invite: tokenKind('invite+jwt', { ttl: '30m', claims }),
}

const ring = (kid: string, key: string) => keyring('HS256', [{ kid, key }])

/** Creates a kit that issues tokens as the service does, at noon. */
const createKit = (kid: string, key: string, issuer = 'social-api') =>
  jwtKit({ issuer, keys: ring(kid, key), kinds, now: () => NOON })

const kit = createKit('1', SECRET)
const good = kit.access.sign({ sub: '7', role: 'user' })

const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
const write = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const [header = '', payload = '', signature = ''] = good.split('.')

const edited = `${header}.${write({ ...read(payload), role: 'admin' })}.${signature}`
const extended = `${header}.${write({ ...read(payload), exp: 9_999_999_999 })}.${signature}`
const unsigned = ['none', 'None', ''].map((alg) => `${write({ ...read(header), alg })}.${payload}.`)
const cut = `${header}.${payload}`
const thiefs = createKit('thief', randomBytes(32).toString('base64url')).access.sign({
  sub: '7',
  role: 'admin',
})
const invitation = kit.invite.sign({ sub: '7', role: 'user' })
const otherIssuer = createKit('1', SECRET, 'other-api').access.sign({ sub: '7', role: 'user' })

await chapter(import.meta.url, async ({ load, check, expectation }) => {
  const { createReasonFor } = await load<typeof import('./solution/reason.ts')>(
    'reason.ts',
    'createReasonFor',
  )
  let now = NOON
  const settings = { secret: SECRET, now: () => now }
  // A function that throws has rejected the token, although it gives no reason.
  const reasonFor = async (token: string): Promise<string> => {
    try {
      return await createReasonFor(settings)(token)
    } catch (error) {
      return `thrown: ${(error as Error).name}`
    }
  }
  const mustReject = async (token: string, message: string) =>
    assert.ok((await reasonFor(token)) !== 'accepted', message)

  await check(
    'good-refused',
    'a valid token is accepted',
    [
      'What makes a token valid? Read the comment above the function.',
      'Create a kit with the issuer, the key and its ID, and the kind of token. `verify` returns the claims or throws.',
      "`jwtKit({ issuer: 'social-api', keys: keyring('HS256', [{ kid: '1', key: secret }]), kinds: { access }, now })`",
    ],
    async () => {
      const reason = await createReasonFor(settings)(good)
      if (reason !== 'accepted') {
        // The same token, but issued by the clock of the machine.
        const today = jwtKit({ issuer: 'social-api', keys: ring('1', SECRET), kinds })
        const isOtherClock = (await reasonFor(today.access.sign({ sub: '7', role: 'user' }))) === 'accepted'
        await expectation(
          'other-clock',
          [
            'Which clock does your function compare `exp` with?',
            'Use the clock that `createReasonFor` gets as `now`. So a test can turn it forward.',
            'Pass it to the kit: `jwtKit({ …, now })`.',
          ],
          () =>
            assert.ok(
              !isOtherClock,
              `The clock that createReasonFor() got says noon, when the token is valid. The reason was ${reason}.`,
            ),
        )
      }
      assert.equal(reason, 'accepted', 'The function must return `accepted` for a valid token.')
    },
  )

  await check(
    'decoded',
    'a token with an edited payload is rejected',
    [
      'Anyone can decode a token, and anyone can write one. Which of its three parts does your function use?',
      'Do not trust anything in a token before you have verified its signature. That needs the secret.',
      'Use `await kit.access.verify(token)`. `explainToken` and `JSON.parse` verify nothing.',
    ],
    async () => {
      await mustReject(edited, 'A token with an edited `role` was accepted: its owner is an admin now.')
      await mustReject(extended, 'A token with an edited `exp` was accepted: it never expires now.')
    },
  )

  await check(
    'believes-alg',
    'a token without a signature is rejected, whatever algorithm it names',
    [
      'Who can write the header of a token, and its `alg`?',
      'The service decides how tokens are verified. Reject a token that names another algorithm.',
      "A keyring has one algorithm, and the kit rejects all others: `keyring('HS256', …)`.",
    ],
    async () => {
      for (const token of unsigned)
        await mustReject(
          token,
          `A token without a signature was accepted. Its header is ${decodeHeader(token)}.`,
        )
      await mustReject(cut, 'A token without its third part was accepted.')
    },
  )

  await check(
    'good-for-ever',
    'a token that is expired, or of another kind, key or issuer, is rejected',
    [
      'Turn the clock forward by half an hour. Does your function still accept the token?',
      'Compare `exp` with the clock that you get as `now`: from that second on, the token is expired.',
      'Pass `now` to the kit: `jwtKit({ …, now })`. It compares `exp` for you.',
    ],
    async () => {
      await expectation(
        'other-kind',
        [
          'The invitation has a valid signature of the right key. Which part of its header says that it is not a login?',
          'Compare `typ` with the one that you expect. Otherwise anyone with an invitation is logged in.',
          "`tokenKind('access+jwt', …)`: `kit.access.verify` accepts only this kind.",
        ],
        () => mustReject(invitation, 'A token of the type `invite+jwt` was accepted as an access token.'),
      )
      await expectation(
        'other-key',
        [
          'Who can have signed this token? Its `kid` is not `1`, and its signature was not made with your secret.',
          'Verify every signature with the secret that you get, and with no other key.',
          "`keyring('HS256', [{ kid: '1', key: secret }])`",
        ],
        () => mustReject(thiefs, 'A token that was signed with another key was accepted.'),
      )
      await expectation(
        'other-issuer',
        [
          'Who issued the token? Look for the claim `iss`.',
          'Several services may share a key. Accept only tokens of the issuer `social-api`.',
          "`jwtKit({ issuer: 'social-api', … })`",
        ],
        () => mustReject(otherIssuer, 'A token of another issuer was accepted.'),
      )
      now = NOON + HALF_AN_HOUR - 1000
      assert.equal(await reasonFor(good), 'accepted', 'One second before `exp`, the token must be accepted.')
      now = NOON + HALF_AN_HOUR
      await mustReject(good, 'From `exp` on, the token must be rejected.')
      now = NOON
    },
  )

  await check(
    'one-reason',
    'five ways to tamper give five different reasons',
    [
      'What does your log show for a broken client, and what for a forged token?',
      'Return the reason that `verify` found. An error in your own code is not a reason: throw it again.',
      '`catch (error) { if (error instanceof JwtKitError) return error.code; throw error }`',
    ],
    async () => {
      const tampered = {
        'with an edited payload': edited,
        'with the algorithm `none`': unsigned[0] ?? '',
        'without its third part': cut,
        'of another key': thiefs,
        'of another kind': invitation,
      }
      const reasons: Record<string, string> = {}
      for (const [what, token] of Object.entries(tampered)) reasons[what] = await reasonFor(token)
      await expectation(
        'thrown',
        [
          'What does your function do with the error that `verify` throws?',
          'Catch it, and return its reason. The caller writes it to the log.',
          '`catch (error) { if (error instanceof JwtKitError) return error.code; throw error }`',
        ],
        () => {
          for (const [what, reason] of Object.entries(reasons))
            assert.ok(
              !reason.startsWith('thrown'),
              `The function must return a reason for the token ${what}. It threw an error.`,
            )
        },
      )
      await expectation(
        'token-in-reason',
        [
          'Who can read your log? Look at what your reasons contain.',
          'A reason goes to the log, so it must not contain the token or a part of it.',
          'Return `error.code` only.',
        ],
        () => {
          for (const reason of Object.values(reasons))
            assert.ok(
              ![signature, payload].some((part) => reason.includes(part)),
              'A reason contains the token.',
            )
        },
      )
      const different = new Set(Object.values(reasons))
      assert.ok(
        different.size === 5,
        `There must be five different reasons. There are ${different.size}: ${[...different].join(', ')}.`,
      )
    },
  )
})

function decodeHeader(token: string): string {
  const [first = ''] = token.split('.')
  return JSON.stringify(read(first))
}
