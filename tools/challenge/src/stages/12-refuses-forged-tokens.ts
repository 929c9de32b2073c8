import { randomBytes } from 'node:crypto'
import { Blocked, type Check, expectStatus, type Stage } from '../check.ts'
import { encodePart, needToken, signToken, type Token } from '../jwt.ts'
import { newPost, PATHS } from '../subject.ts'

/** Returns tokens that the server has not issued. */
type Forge = (token: Token, bobsToken: Token) => string[]

/** Secrets that documentation and tutorials print. */
export const PUBLISHED_SECRETS = [
  'secret',
  'your-256-bit-secret',
  '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
]

const forgeries: readonly [id: string, title: string, hint: string, forge: Forge][] = [
  [
    'accepts-altered',
    'a token with a changed payload is rejected',
    'Verify the signature. Decoding a token does not verify it.',
    ({ parts: [header, payload, signature] }, bob) => {
      if (payload === bob.parts[1])
        throw new Blocked('This check needs two users whose tokens have different payloads.')
      return [`${header}.${bob.parts[1]}.${signature}`]
    },
  ],
  [
    'accepts-unsigned',
    'an unsigned token with the algorithm `none` is rejected',
    'Specify the one algorithm that you accept. Don’t read it from the token.',
    ({ header, payload }) => [`${encodePart({ ...header, alg: 'none' })}.${encodePart(payload)}.`],
  ],
  [
    'accepts-no-signature',
    'a token whose signature was removed is rejected',
    'Treat an empty signature as an invalid one.',
    ({ parts: [header, payload] }) => [`${header}.${payload}.`],
  ],
  [
    'accepts-foreign',
    'a token that was signed with a different secret is rejected',
    'Verify the token with your secret, which nobody else has.',
    ({ header, payload }) => [signToken(header, payload, randomBytes(32))],
  ],
  [
    'accepts-empty-secret',
    'a token that was signed with an empty secret is rejected',
    'Is your secret empty because a variable is not set? Then anyone can sign tokens.',
    ({ header, payload }) => [signToken(header, payload, '')],
  ],
  [
    'accepts-published-secret',
    'a token that was signed with a secret from a tutorial is rejected',
    'Generate a secret: `openssl rand -hex 32`. Read it from the environment, without a default.',
    ({ header, payload }) =>
      PUBLISHED_SECRETS.map((secret) => signToken({ ...header, alg: 'HS256' }, payload, secret)),
  ],
]

const checks: Check[] = forgeries.map(([id, title, hint, forge]) => ({
  id,
  title,
  hints: [
    'How does your server know that it issued this token itself?',
    hint,
    'jose: `jwtVerify(token, key, { algorithms })`. jsonwebtoken: `verify`, not `decode`, with `algorithms`. PyJWT: `jwt.decode(token, key, algorithms=["HS256"])`.',
  ],
  async run(subject) {
    const [ada, bob] = [await subject.author('ada'), await subject.account('bob')]
    const credentials = title.replace(/^(an? )?(.*) is rejected$/, 'with $1$2')
    for (const token of forge(await needToken(ada), await needToken(bob)))
      expectStatus(
        await subject.request('POST', PATHS.posts, { token, credentials, json: newPost() }),
        ...[401, 403, 400],
      )
  },
}))

export const refusesForgedTokens: Stage = {
  number: '12',
  slug: 'refuses-forged-tokens',
  title: 'Forged tokens are rejected',
  checks,
}
