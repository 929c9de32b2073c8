import type { JwtRemote } from '@auth-primer/jwt-remote'
import type { TObject, TString } from '@sinclair/typebox'
import Fastify from 'fastify'

export function buildApp(provider: JwtRemote<TObject<{ sub: TString }>>) {
  const app = Fastify()

  // #region guard
  app.get('/me', { onRequest: provider.guard() }, async (request) => {
    const { sub } = provider.claims(request)
    return { id: sub }
  })
  // #endregion

  return app
}
