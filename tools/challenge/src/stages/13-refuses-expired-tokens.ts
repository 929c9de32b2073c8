import { setTimeout as sleep } from 'node:timers/promises'
import { expectStatus, NotChecked, type Stage } from '../check.ts'
import { needToken, signToken } from '../jwt.ts'
import { newPost, PATHS, type Subject } from '../subject.ts'
import { readServerTime } from './10-issues-a-token.ts'

const HOUR_S = 3_600
/** A token that lives no longer is worth waiting for. */
const MAX_LIFETIME_S = 30
/** A server may accept a token for a moment after its end, since clocks differ. */
const MAX_TOLERANCE_S = 5
const POLL_MS = 500

export const refusesExpiredTokens: Stage = {
  number: '13',
  slug: 'refuses-expired-tokens',
  title: 'Expired tokens are rejected',
  checks: [
    {
      id: 'accepts-expired',
      title: 'a token whose `exp` has passed is rejected',
      hints: [
        'Sign a token whose `exp` was an hour ago, and send it. What status do you get?',
        'JWT libraries check `exp` automatically unless you turn that off.',
        'PyJWT: remove `options={"verify_exp": False}`. jsonwebtoken: remove `ignoreExpiration`.',
      ],
      async run(subject) {
        const token =
          subject.options.secret === undefined
            ? await waitForExpiry(subject)
            : await signExpired(subject, subject.options.secret)
        const credentials = 'with an expired token'
        expectStatus(
          await subject.request('POST', PATHS.posts, { token, credentials, json: newPost() }),
          ...[401, 403, 400],
        )
      },
    },
  ],
}

/** Logs in, and returns the token once it has expired and is rejected, or should be. */
async function waitForExpiry(subject: Subject): Promise<string> {
  await subject.author('ada')
  const { token, login } = await subject.needLogin(await subject.account('ada'))
  const exp = Number((await needToken({ token, login })).payload.exp)
  const lifetimeS = exp - readServerTime(login)
  if (!(lifetimeS <= MAX_LIFETIME_S))
    throw new NotChecked(
      `Pass \`--secret\` with the secret that signs the tokens, or let them expire within ${MAX_LIFETIME_S} seconds.`,
    )
  // the time of the server is known to the second
  await sleep(Math.max(0, lifetimeS * 1_000) + 1_000)
  const attempts = (MAX_TOLERANCE_S * 1_000) / POLL_MS
  for (let attempt = 0; attempt < attempts && (await isAccepted(subject, token)); attempt++)
    await sleep(POLL_MS)
  return token
}

/** Signs the claims of a login’s token again, with an `exp` that was an hour ago. */
async function signExpired(subject: Subject, secret: string): Promise<string> {
  const account = await subject.author('ada')
  const { header, payload, parts } = await needToken(account)
  if (!/^HS(256|384|512)$/.test(String(header.alg)))
    throw new NotChecked('The tokens are not signed with a shared secret, so the grader cannot sign one.')
  const again = signToken(header, payload, secret)
  if (again.split('.')[2] !== parts[2] && !(await isAccepted(subject, again)))
    throw new NotChecked('`--secret` is not the secret that signs the tokens.')
  const now = Math.floor(readServerTime(account.login))
  const claims: Record<string, unknown> = { ...payload, exp: now - HOUR_S }
  for (const name of ['iat', 'nbf']) if (name in claims) claims[name] = now - 2 * HOUR_S
  return signToken(header, claims, secret)
}

async function isAccepted(subject: Subject, token: string): Promise<boolean> {
  const { status } = await subject.request('POST', PATHS.posts, { token, json: newPost() })
  return status === 201 || status === 200
}
