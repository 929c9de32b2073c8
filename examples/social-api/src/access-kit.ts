import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { AccessClaims } from './schemas/token.ts'

/** How the service signs and verifies access tokens. Another issuer or clock is for tokens that it is to refuse. */
export function accessKit(
  { jwtSecret, accessTokenTtl }: { jwtSecret: string; accessTokenTtl: string },
  { issuer = 'social-api', now = Date.now } = {},
) {
  return jwtKit({
    issuer,
    now,
    keys: keyring('HS256', [{ kid: '1', key: jwtSecret }]),
    kinds: { access: tokenKind('access+jwt', { ttl: accessTokenTtl, claims: AccessClaims }) },
  })
}
