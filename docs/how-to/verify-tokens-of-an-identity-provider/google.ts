import { jwtRemote } from '@auth-primer/jwt-remote'
import { Type } from '@sinclair/typebox'

export function makeVerifier(jwksUri: string, clientIds: readonly string[]) {
  // #region verifier
  return jwtRemote({
    issuer: ['https://accounts.google.com', 'accounts.google.com'], // both occur
    jwksUri, // 'https://www.googleapis.com/oauth2/v3/certs'
    audience: clientIds, // the client ids of your web page and your apps
    typ: 'JWT',
    claims: Type.Object({
      sub: Type.String(), // the user: an email address can change its owner
      email: Type.Optional(Type.String()),
      email_verified: Type.Optional(Type.Boolean()),
      hd: Type.Optional(Type.String()), // the Workspace domain
    }),
  })
  // #endregion
}
