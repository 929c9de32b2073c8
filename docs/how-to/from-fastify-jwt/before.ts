import fastifyJwt from '@fastify/jwt'
import Fastify from 'fastify'

export async function buildBefore(secret: string) {
  const app = Fastify()
  // #region app
  await app.register(fastifyJwt, { secret, sign: { expiresIn: '30m' } })

  app.post('/login', async () => ({ access_token: app.jwt.sign({ user_id: 7 }) }))

  app.get('/me', { onRequest: (request) => request.jwtVerify() }, async (request) => {
    const { user_id } = request.user as { user_id: number }
    return { id: user_id }
  })
  // #endregion
  return app
}
