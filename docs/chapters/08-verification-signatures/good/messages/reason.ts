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

/** With the messages of the errors, which contain no part of the token. */
export function createReasonFor({ secret, now }: Settings): (token: string) => Promise<string> {
  const keys = keyring('HS256', [{ kid: '1', key: secret }])
  const kit = jwtKit({ issuer: 'social-api', keys, kinds: { access }, now })

  return (token) =>
    kit.access.verify(token).then(
      () => 'accepted',
      (error: unknown) => {
        if (error instanceof JwtKitError) return `rejected: ${error.message}`
        throw error
      },
    )
}
