import Fastify from 'fastify'
import type { makeKit } from './kit.ts'

interface User {
  id: number
  role: 'user' | 'admin'
}

type LogIn = (email: string, password: string) => Promise<User | undefined>

export async function buildApp(kit: ReturnType<typeof makeKit>, logIn: LogIn) {
  const app = Fastify()

  // #region sign
  app.post<{ Body: { email: string; password: string } }>('/login', async (request, reply) => {
    const user = await logIn(request.body.email, request.body.password)
    if (!user) return reply.code(403).send({ message: 'Invalid credentials' })
    const token = kit.access.sign({ sub: String(user.id), role: user.role })
    return { access_token: token, token_type: 'bearer', expires_in: kit.access.ttl }
  })
  // #endregion

  // #region guard
  app.get('/me', { onRequest: kit.access.guard() }, async (request) => {
    const { sub, role } = kit.access.claims(request)
    return { id: Number(sub), role }
  })
  // #endregion

  return app
}
