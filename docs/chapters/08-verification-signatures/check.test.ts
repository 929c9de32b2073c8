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
            'Use the clock that `createReasonFor` gets as `now`. That way, a test can move it forward.',
            'Pass it to the kit: `jwtKit({ …, now })`.',
          ],
          () =>
            assert.ok(
              !isOtherClock,
              `By the clock that createReasonFor() got, it is noon and the token is valid. But the function returned ${reason}.`,
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
      'Anyone can decode a token, and anyone can write one. Which of the token’s three parts does your function use?',
      'Do not trust anything in a token before you have verified its signature. That needs the secret.',
      'Use `await kit.access.verify(token)`. `explainToken` and `JSON.parse` do not verify anything.',
    ],
    async () => {
      await mustReject(edited, 'A token with an edited `role` was accepted, so its owner is now an admin.')
      await mustReject(
        extended,
        'A token with an edited `exp` was accepted, so it practically never expires.',
      )
    },
  )

  await check(
    'believes-alg',
    'a token without a signature is rejected, whatever algorithm it names',
    [
      'Who can write a token’s header, including its `alg`?',
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
    'a token that has expired, or that has another kind, key or issuer, is rejected',
    [
      'Move the clock forward by half an hour. Does your function still accept the token?',
      'Compare `exp` with the clock that you get as `now`. Starting at that second, the token has expired.',
      'Pass `now` to the kit: `jwtKit({ …, now })`. It compares `exp` for you.',
    ],
    async () => {
      await expectation(
        'other-kind',
        [
          'The invitation is signed with the right key. Which part of its header says that it is not an access token?',
          'Compare `typ` with the type that you expect. Otherwise, an invitation works as a login.',
          "`tokenKind('access+jwt', …)`: `kit.access.verify` accepts only this kind.",
        ],
        () => mustReject(invitation, 'A token of the type `invite+jwt` was accepted as an access token.'),
      )
      await expectation(
        'other-key',
        [
          'Who could have signed this token? Its `kid` is not `1`, and it was not signed with your secret.',
          'Verify every signature with the secret that you get and with no other key.',
          "`keyring('HS256', [{ kid: '1', key: secret }])`",
        ],
        () => mustReject(thiefs, 'A token that was signed with another key was accepted.'),
      )
      await expectation(
        'other-issuer',
        [
          'Who issued the token? Look for the `iss` claim.',
          'Several services may share a key. Accept only tokens from the issuer `social-api`.',
          "`jwtKit({ issuer: 'social-api', … })`",
        ],
        () => mustReject(otherIssuer, 'A token from another issuer was accepted.'),
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
    'five kinds of invalid tokens give five different reasons',
    [
      'What does your log show for a broken client, and what does it show for a forged token?',
      'Return the reason that `verify` gives. An error in your own code is not such a reason, so throw it again.',
      '`catch (error) { if (error instanceof JwtKitError) return error.code; throw error }`',
    ],
    async () => {
      const tampered = {
        'with an edited payload': edited,
        'with the algorithm `none`': unsigned[0] ?? '',
        'without its third part': cut,
        'signed with another key': thiefs,
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
              `The function must return a reason for a token ${what}. It threw an error.`,
            )
        },
      )
      await expectation(
        'token-in-reason',
        [
          'Who can read your log? Look at what your reasons contain.',
          'A reason goes to the log, so it must not contain the token or any part of it.',
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
