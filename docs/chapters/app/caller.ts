// The one way to know the caller from chapter 09 on: an access token, signed with the secret that the app gets.
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { Type } from '@sinclair/typebox'
import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'

declare module 'fastify' {
  interface FastifyInstance {
    /** An `onRequest` hook that rejects a request without a valid access token with 401. */
    authenticate: onRequestAsyncHookHandler
    /** Returns the ID of the user in the request's token. */
    callerId(request: FastifyRequest): number
    /** Returns an access token for this user, as a login does. */
    issueToken(user: { readonly id: number }): string
  }
}

// #region caller
/** Adds `app.authenticate`, `app.callerId` and `app.issueToken`. */
export function addCaller(app: FastifyInstance, secret: string): void {
  const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) })
  const keys = keyring('HS256', [{ kid: '1', key: secret }])
  const kit = jwtKit({ issuer: 'social-api', keys, kinds: { access } })

  app.decorate('authenticate', kit.access.guard())
  app.decorate('callerId', (request: FastifyRequest) => Number(kit.access.claims(request).sub))
  app.decorate('issueToken', ({ id }: { readonly id: number }) => kit.access.sign({ sub: String(id) }))
}
// #endregion
