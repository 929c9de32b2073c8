import { setTimeout as sleep } from 'node:timers/promises'
import { expectStatus, NotChecked, type Stage } from '../check.ts'
import { decodeToken, signToken } from '../jwt.ts'
import { newPost, PATHS, type Subject } from '../subject.ts'

const HOUR_S = 3_600
/** A token that lives no longer is worth waiting for. */
const MAX_LIFETIME_S = 30
/** A server may accept a token for a moment after its end, since clocks differ. */
const MAX_TOLERANCE_S = 5

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
            : await signWithExp(subject, -HOUR_S)
        expectStatus(await subject.request('POST', PATHS.posts, { token, json: newPost() }), 401, 403, 400)
      },
    },
  ],
}

/** Logs in, and returns the token once it has expired and is rejected, or should be. */
async function waitForExpiry(subject: Subject): Promise<string> {
  const token = await subject.tokenOf(await subject.account('ada'))
  const exp = Number(decodeToken(token).payload.exp)
  const lifetimeS = exp - Date.now() / 1_000
  if (!(lifetimeS <= MAX_LIFETIME_S))
    throw new NotChecked(
      `Give \`--secret\`, the secret that signs the tokens, or let them expire within ${MAX_LIFETIME_S} seconds.`,
    )
  await sleep(lifetimeS * 1_000)
  while (Date.now() / 1_000 < exp + MAX_TOLERANCE_S && (await isAccepted(subject, token))) await sleep(500)
  return token
}

/** Signs the claims of a login’s token again, with another `exp`. */
async function signWithExp(subject: Subject, fromNow: number): Promise<string> {
  const { secret } = subject
  const { header, payload, parts } = decodeToken((await subject.account('ada')).token)
  if (!/^HS(256|384|512)$/.test(String(header.alg)))
    throw new NotChecked('The tokens are not signed with a shared secret, so the grader cannot sign one.')
  if (
    signToken(header, payload, secret).split('.')[2] !== parts[2] &&
    !(await isAccepted(subject, signToken(header, payload, secret)))
  )
    throw new NotChecked('`--secret` is not the secret that signs the tokens.')
  const now = Math.floor(Date.now() / 1_000)
  const iat = now - 2 * HOUR_S
  const claims: Record<string, unknown> = { ...payload }
  delete claims.exp
  for (const name of ['iat', 'nbf']) if (name in claims) claims[name] = iat
  return signToken(header, { ...claims, exp: now + fromNow }, secret)
}

async function isAccepted(subject: Subject, token: string): Promise<boolean> {
  const { status } = await subject.request('POST', PATHS.posts, { token, json: newPost() })
  return status === 201 || status === 200
}
