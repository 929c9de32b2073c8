import { jwtRemote } from '@auth-primer/jwt-remote'
import { Type } from '@sinclair/typebox'

export function makeVerifier(issuer: string, jwksUri: string, clientId: string) {
  // #region verifier
  return jwtRemote({
    issuer, // 'https://cognito-idp.REGION.amazonaws.com/POOL'
    jwksUri, // 'https://cognito-idp.REGION.amazonaws.com/POOL/.well-known/jwks.json'
    audience: false, // access tokens have no aud
    typ: null, // and no typ
    claims: Type.Object({
      sub: Type.String(),
      token_use: Type.Literal('access'), // an ID token is not accepted
      client_id: Type.Literal(clientId), // nor a token of another client
      scope: Type.String(),
      'cognito:groups': Type.Optional(Type.Array(Type.String())),
    }),
  })
  // #endregion
}
