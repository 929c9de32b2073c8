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

/** Issues tokens as the service does, at noon. */
const kitOf = (kid: string, key: string, issuer = 'social-api') =>
  jwtKit({ issuer, keys: keyring('HS256', [{ kid, key }]), kinds, now: () => NOON })

const kit = kitOf('1', SECRET)
const good = kit.access.sign({ sub: '7', role: 'user' })

const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
const write = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const [header = '', payload = '', signature = ''] = good.split('.')

const edited = `${header}.${write({ ...read(payload), role: 'admin' })}.${signature}`
const extended = `${header}.${write({ ...read(payload), exp: 9_999_999_999 })}.${signature}`
const unsigned = ['none', 'None', ''].map((alg) => `${write({ ...read(header), alg })}.${payload}.`)
const cut = `${header}.${payload}`
const thiefs = kitOf('thief', randomBytes(32).toString('base64url')).access.sign({ sub: '7', role: 'admin' })
const invitation = kit.invite.sign({ sub: '7', role: 'user' })
const otherIssuer = kitOf('1', SECRET, 'other-api').access.sign({ sub: '7', role: 'user' })

await chapter(import.meta.url, async ({ load, claim }) => {
  const { createReasonFor } = await load<typeof import('./solution/reason.ts')>('reason.ts')
  let now = NOON
  const settings = { secret: SECRET, now: () => now }
  // A function that throws has refused the token, though it does not say why.
  const reasonFor = async (token: string): Promise<string> => {
    try {
      return await createReasonFor(settings)(token)
    } catch (error) {
      return `thrown: ${(error as Error).name}`
    }
  }
  const refuses = async (token: string, message: string) =>
    assert.ok((await reasonFor(token)) !== 'accepted', message)

  await claim(
    'good-refused',
    'a token of the service is accepted',
    [
      'What does a good token look like? The comment above the function says it.',
      'Make a kit with the issuer, the key and its id, and the kind of token. `verify` gives the claims, or throws.',
      "`jwtKit({ issuer: 'social-api', keys: keyring('HS256', [{ kid: '1', key: secret }]), kinds: { access }, now })`",
    ],
    async () =>
      assert.equal(await createReasonFor(settings)(good), 'accepted', 'This was said of a good token.'),
  )

  await claim(
    'decoded',
    'a payload that was edited is refused',
    [
      'Who may decode a token, and who may write one? Which of the three parts does your function look at?',
      'Nothing in a token is true before its signature is verified, and that takes the secret.',
      '`await kit.access.verify(token)` verifies. `explainToken` and `JSON.parse` do not.',
    ],
    async () => {
      await refuses(edited, 'Who has edited `role` in the payload is an admin now.')
      await refuses(extended, 'Who has edited `exp` in the payload is logged in for ever.')
    },
  )

  await claim(
    'believes-alg',
    'a token that is not signed is refused, whatever algorithm it names',
    [
      'Who has written the header, and its `alg`?',
      'The service decides how tokens are checked. A token that says otherwise is refused.',
      "A keyring has one algorithm, and a kit refuses each other: `keyring('HS256', …)`.",
    ],
    async () => {
      for (const token of unsigned)
        await refuses(token, `A token without a signature was accepted: its header says ${headerOf(token)}.`)
      await refuses(cut, 'A token without its third part was accepted.')
    },
  )

  await claim(
    'good-for-ever',
    'so is one that is too old, of another kind, of another key or of another issuer',
    [
      'All of these are rightly signed by somebody. What else does the comment say of a good token?',
      'Compare `typ`, `kid` and `iss` with what they must be, and `exp` with the clock you were given.',
      'Give the kit `issuer`, `now`, and the kind `access+jwt`: it compares them all.',
    ],
    async () => {
      await refuses(invitation, 'An invitation was accepted as a log-in.')
      await refuses(thiefs, 'A token that was signed with a key of the thief’s own was accepted.')
      await refuses(otherIssuer, 'A token of another issuer was accepted.')
      now = NOON + HALF_AN_HOUR - 1000
      assert.equal(await reasonFor(good), 'accepted', 'It was refused a second before it expires.')
      now = NOON + HALF_AN_HOUR
      await refuses(good, 'It was accepted on the second of `exp`.')
      now = NOON
    },
  )

  await claim(
    'one-reason',
    'five tamperings have five reasons',
    [
      'What will the log say when a client is broken, and what when somebody forges tokens?',
      'Pass on what `verify` has found out. An error of your own code is no reason: let it through.',
      '`catch (error) { if (error instanceof JwtKitError) return error.code; throw error }`',
    ],
    async () => {
      const tampered = {
        'that was edited': edited,
        'that says `none`': unsigned[0] ?? '',
        'without its third part': cut,
        'of the thief’s key': thiefs,
        'of another kind': invitation,
      }
      const reasons: Record<string, string> = {}
      for (const [what, token] of Object.entries(tampered)) reasons[what] = await reasonFor(token)
      const different = new Set(Object.values(reasons))
      assert.ok(different.size === 5, `There are ${different.size}: ${[...different].join(', ')}.`)
      for (const [what, reason] of Object.entries(reasons)) {
        assert.doesNotMatch(reason, /^thrown/, `The function threw over the token ${what}.`)
        assert.ok(!reason.includes(signature), 'A reason goes to the log, and this one has a token in it.')
      }
    },
  )
})

function headerOf(token: string): string {
  const [first = ''] = token.split('.')
  return JSON.stringify(read(first))
}
