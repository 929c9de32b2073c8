import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { disconnectSignal } from '../../platform/overload.ts'
import { Problem } from '../problem.ts'
import { limitLoginAttempts } from './login-limiter.ts'
import { verifyCredentials } from './passwords.ts'
import { logIn } from './schemas.ts'
import { issueTokens } from './tokens.ts'

export const login: FastifyPluginAsyncTypebox = async (app) => {
  // Only this route reads forms.
  await app.register(formbody)

  app.post('/login', { schema: logIn }, async (request, reply) => {
    const { username, password } = request.body
    const user = await limitLoginAttempts(request, username, (slot) =>
      verifyCredentials(app, username, password, { signal: disconnectSignal(reply), slot }),
    )
    // The same response for an unknown email and a wrong password: it must not reveal who has an account.
    if (user === undefined) throw new Problem('INVALID_CREDENTIALS')
    return issueTokens(request, user)
  })
}
