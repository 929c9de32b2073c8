import { jwtRemote } from '@auth-primer/jwt-remote'
import { Type } from '@sinclair/typebox'

export function makeVerifier(issuer: string, jwksUri: string) {
  // #region verifier
  return jwtRemote({
    issuer, // 'https://HOST/realms/REALM'
    jwksUri, // 'https://HOST/realms/REALM/protocol/openid-connect/certs'
    audience: 'shop-api', // one of the list in aud
    authorizedParty: ['shop-web', 'shop-app'], // the clients, in azp
    typ: 'JWT',
    maxTokenLength: 16_384, // roles add up
    claims: Type.Object({
      sub: Type.String(),
      typ: Type.Literal('Bearer'), // an ID token says 'ID', a refresh token 'Refresh'
      realm_access: Type.Optional(Type.Object({ roles: Type.Array(Type.String()) })),
    }),
  })
  // #endregion
}
