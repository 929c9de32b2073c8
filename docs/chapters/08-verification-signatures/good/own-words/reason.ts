import { JwtKitError, jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { Type } from '@sinclair/typebox'

export interface Settings {
  secret: string
  /** The clock, in milliseconds since 1970. */
  now: () => number
}

const access = tokenKind('access+jwt', {
  ttl: '30m',
  claims: Type.Object({ sub: Type.String(), role: Type.String() }),
})

const WORDS: Readonly<Record<string, string>> = {
  JWT_KIT_SIGNATURE: 'somebody has changed the token',
  JWT_KIT_ALGORITHM: 'the token names another algorithm',
  JWT_KIT_MALFORMED: 'this is not a token',
  JWT_KIT_UNKNOWN_KEY: 'somebody else has signed the token',
  JWT_KIT_WRONG_KIND: 'the token is for another purpose',
}

/** Creates a function that returns 'accepted', or the reason why a token is rejected. */
export function createReasonFor({ secret, now }: Settings): (token: string) => Promise<string> {
  const keys = keyring('HS256', [{ kid: '1', key: secret }])
  const kit = jwtKit({ issuer: 'social-api', keys, kinds: { access }, now })

  return async (token) => {
    try {
      const { sub } = await kit.access.verify(token)
      return sub ? 'accepted' : 'nobody'
    } catch (error) {
      if (!(error instanceof JwtKitError)) throw error
      return WORDS[error.code] ?? 'the token is not valid'
    }
  }
}
