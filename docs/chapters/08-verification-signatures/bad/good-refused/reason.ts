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

/** Creates a function that returns 'accepted', or the reason why a token is rejected. */
export function createReasonFor({ secret, now }: Settings): (token: string) => Promise<string> {
  const keys = keyring('HS256', [{ kid: '1', key: secret }])
  // The mistake: the tokens have another issuer, so none of them is accepted.
  const kit = jwtKit({ issuer: 'chapter-08', keys, kinds: { access }, now })

  return async (token) => {
    try {
      await kit.access.verify(token)
      return 'accepted'
    } catch (error) {
      if (error instanceof JwtKitError) return error.code
      throw error
    }
  }
}
