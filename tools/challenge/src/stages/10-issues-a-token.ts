import { Failure, type Stage } from '../check.ts'
import type { Received } from '../http.ts'
import { decodeToken, needToken } from '../jwt.ts'
import { HASH } from './06-never-shows-a-password.ts'

const MAX_LIFETIME_S = 31 * 24 * 3_600
/** Far in the future in seconds, but not in milliseconds. */
const MAX_SECONDS = 1e11

export const issuesAToken: Stage = {
  number: '10',
  slug: 'issues-a-token',
  title: 'The access token is a JWT',
  checks: [
    {
      id: 'token-not-jwt',
      title: 'the token has three parts: header, payload and signature',
      hints: [
        'Split the token at its dots. How many parts are there, and what do the first two decode to?',
        'Have a JWT library sign an object that contains the user’s ID.',
        'Node: `@auth-primer/jwt-kit`, jose or jsonwebtoken. Python: PyJWT or python-jose.',
      ],
      async run(subject) {
        const account = await subject.account('ada')
        const { header, parts } = decodeToken(account)
        const { sent } = account.login
        if (typeof header.alg !== 'string')
          throw new Failure('a header that names the algorithm in `alg`', 'a header without `alg`', sent)
        if (!/^[\w-]{20,}$/.test(parts[2]))
          throw new Failure('a signature in base64url', 'a third part that is not a signature', sent)
      },
    },
    {
      id: 'token-names-user',
      title: 'the payload identifies the user',
      hints: [
        'Decode the payload. How does the server know who sent this token?',
        'Put the user’s ID into the payload: `sub`, or `user_id` as in the course.',
        'In RFC 7519, `sub` is a string, so write `String(user.id)`.',
      ],
      async run(subject) {
        const [ada, bob] = [await subject.account('ada'), await subject.account('bob')]
        for (const account of [ada, bob]) {
          const { payload } = await needToken(account)
          if (!isNamed(account.id, payload) && !isNamed(account.email, payload))
            throw new Failure('a claim with the user’s ID', listClaims(payload), account.login.sent)
        }
      },
    },
    {
      id: 'token-shows-password',
      title: 'the payload contains neither the password nor its hash',
      hints: [
        'Decode your own token: `atob(token.split(".")[1])`. Anyone who has it can do the same.',
        'A JWT is signed, not encrypted. Include only what anyone may read.',
        'Sign an object that you build by hand, never the user’s whole row.',
      ],
      async run(subject) {
        const account = await subject.account('ada')
        const text = JSON.stringify((await needToken(account)).payload)
        const { sent } = account.login
        if (text.includes(account.password))
          throw new Failure('a payload without secrets', 'the password in the payload', sent)
        if (HASH.test(text))
          throw new Failure('a payload without secrets', 'the hash of the password in the payload', sent)
      },
    },
    {
      id: 'token-never-expires',
      title: 'the token expires within a month',
      hints: [
        'Which claim says when the token expires?',
        'Set `exp` to a time in seconds since 1970, such as half an hour from now.',
        "jsonwebtoken: `{ expiresIn: '30m' }`. PyJWT: `'exp': datetime.now(timezone.utc) + timedelta(minutes=30)`.",
      ],
      async run(subject) {
        const account = await subject.account('ada')
        const { payload } = await needToken(account)
        const { exp } = payload
        const { sent } = account.login
        if (typeof exp !== 'number')
          throw new Failure('an `exp` claim that is a number of seconds', listClaims(payload), sent)
        if (exp > MAX_SECONDS)
          throw new Failure(
            'an `exp` in seconds since 1970',
            'a number that is far too large for seconds',
            sent,
          )
        const lifetimeS = exp - readServerTime(account.login)
        if (lifetimeS < 0)
          throw new Failure('an `exp` in the future', 'a token that has already expired', sent)
        if (lifetimeS > MAX_LIFETIME_S) {
          const days = Math.round(lifetimeS / 86_400)
          throw new Failure('an `exp` within a month', `a token that expires after ${days} days`, sent)
        }
      },
    },
  ],
}

/** Returns true if a claim, or a part of it such as the 7 of `user:7`, is this value. */
function isNamed(value: string | number, payload: object): boolean {
  const text = JSON.stringify(payload)
  const parts: readonly string[] = text.match(/[^":,[\]{}|/\s]+/g) ?? []
  return parts.includes(String(value))
}

function listClaims(payload: object): string {
  const names = Object.keys(payload).map((name) => `\`${name}\``)
  return names.length === 0 ? 'an empty payload' : `only the claims ${names.join(', ')}`
}

/** Returns the time on the server’s clock at a response, in seconds since 1970: it may differ from the time here. */
export function readServerTime({ headers }: Received): number {
  const time = Date.parse(headers.date ?? '')
  return (Number.isNaN(time) ? Date.now() : time) / 1_000
}
