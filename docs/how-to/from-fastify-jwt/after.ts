import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import jwtKitPlugin from '@auth-primer/jwt-kit/fastify'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'

export async function buildAfter(secret: string) {
  const app = Fastify()
  // #region app
  const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ user_id: Type.Integer() }) })
  const keys = keyring('HS256', [{ kid: '2026-11', key: secret }])
  const kit = jwtKit({ issuer: 'https://api.shop.example', keys, kinds: { access } })
  await app.register(jwtKitPlugin, { kit })

  app.post('/login', async () => ({ access_token: kit.access.sign({ user_id: 7 }) }))

  app.get('/me', { onRequest: (request) => request.jwtVerify() }, async (request) => {
    const { user_id } = kit.access.claims(request)
    return { id: user_id }
  })
  // #endregion
  return app
}
