import { Failure, type Stage } from '../check.ts'
import { decodeToken } from '../jwt.ts'
import { HASH } from './06-never-shows-a-password.ts'

const MAX_LIFETIME_S = 31 * 24 * 3_600

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
        const { token } = await subject.account('ada')
        const { header, parts } = decodeToken(token)
        if (typeof header.alg !== 'string')
          throw new Failure('a header that names the algorithm in `alg`', 'a header without `alg`')
        if (!/^[\w-]{20,}$/.test(parts[2]))
          throw new Failure('a signature in base64url', 'a third part that is not a signature')
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
        for (const { id, email, token } of [ada, bob]) {
          const values = listValues(decodeToken(token).payload)
          if (!values.includes(String(id)) && !values.includes(email))
            throw new Failure('a claim with the user’s ID', 'a payload without such a claim')
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
        const { password, token } = await subject.account('ada')
        const { payload } = decodeToken(token)
        const text = JSON.stringify(payload)
        if (text.includes(password))
          throw new Failure('a payload without secrets', 'the password in the payload')
        if (HASH.test(text))
          throw new Failure('a payload without secrets', 'the hash of the password in the payload')
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
        const { token } = await subject.account('ada')
        const { exp } = decodeToken(token).payload
        if (typeof exp !== 'number')
          throw new Failure('an `exp` claim that is a number of seconds', 'a payload without such a claim')
        const now = Date.now() / 1_000
        if (exp < now) throw new Failure('an `exp` in the future', 'a token that has already expired')
        if (exp > now + MAX_LIFETIME_S)
          throw new Failure('an `exp` within a month', 'a later time. Is it in milliseconds?')
      },
    },
  ],
}

/** Returns the values of all claims, nested ones included, as texts. */
function listValues(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)]
  return Object.values(value).flatMap(listValues)
}
