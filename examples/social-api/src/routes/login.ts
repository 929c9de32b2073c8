import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { limitLoginAttempts } from '../auth/login-limiter.ts'
import { verifyCredentials } from '../auth/passwords.ts'
import { parseForm } from '../form.ts'
import { hangUpOf } from '../hang-up.ts'
import { User } from '../models/user.ts'
import { Problem } from '../problem.ts'
import { BODY, problems, WRITE } from '../schemas/problem.ts'
import { Credentials, TokenOut } from '../schemas/token.ts'
import { secondOfPasswordChange } from '../token-age.ts'

const login: FastifyPluginAsyncTypebox = async (app) => {
  // Forms are read here and nowhere else.
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer' }, parseForm)

  app.post(
    '/login',
    {
      schema: {
        operationId: 'login',
        tags: ['Authentication'],
        summary: 'Log in',
        description:
          "Exchanges an email and password for tokens. This is OAuth 2's password form (or JSON), so the email goes into `username`.",
        consumes: ['application/x-www-form-urlencoded', 'application/json'],
        body: Credentials,
        response: { 200: TokenOut, ...problems(...BODY, ...WRITE, 'INVALID_CREDENTIALS') },
      },
    },
    async (request, reply) => {
      const { username, password } = request.body
      const signal = hangUpOf(reply)
      const user = await limitLoginAttempts(request, username, (slot) =>
        verifyCredentials(request, username, password, { signal, slot }),
      )
      const tokens = user && (await issueTokens(request, user))
      // The same response whether the email or the password is wrong.
      if (tokens === undefined) throw new Problem('INVALID_CREDENTIALS', 'Invalid Credentials')
      return tokens
    },
  )
}

/** Returns `undefined` if the user was deleted, or changed the password, while the old one was being checked. */
async function issueTokens({ server, db }: FastifyRequest, found: User) {
  await secondOfPasswordChange(found)
  const user = await User.lock(db, found, 'share')
  return user && { ...server.issueToken(user), refresh_token: await server.refreshTokens.begin(db, user) }
}

export default login
