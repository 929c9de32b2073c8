import { jwtRemote } from '@auth-primer/jwt-remote'
import { Type } from '@sinclair/typebox'

export function makeVerifier(issuer: string, jwksUri: string) {
  // #region verifier
  return jwtRemote({
    issuer, // 'https://TENANT.eu.auth0.com/', with the slash
    jwksUri, // 'https://TENANT.eu.auth0.com/.well-known/jwks.json'
    audience: 'https://api.shop.example', // the API's identifier
    typ: ['JWT', 'at+jwt'], // Auth0's own profile, and RFC 9068
    claims: Type.Object({
      sub: Type.String(),
      scope: Type.Optional(Type.String()),
      permissions: Type.Optional(Type.Array(Type.String())),
    }),
  })
  // #endregion
}
