import jwtKitPlugin from '@auth-primer/jwt-kit/fastify'
import Fastify from 'fastify'
import { kit } from './kit.ts'

// #region stolen
const app = Fastify()
await app.register(jwtKitPlugin, { kit })
app.get(
  '/me',
  { onRequest: (request) => request.jwtVerify() },
  async (request) => kit.access.claims(request).sub,
)

const authorization = `Bearer ${kit.access.sign({ sub: '7', role: 'user' })}`
for (const remoteAddress of ['192.0.2.7', '203.0.113.66']) {
  const response = await app.inject({ url: '/me', headers: { authorization }, remoteAddress })
  console.log(remoteAddress, 'is user', response.body)
}
// #endregion
