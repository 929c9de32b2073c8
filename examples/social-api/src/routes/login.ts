import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { hangUpOf } from '../hang-up.ts'
import { User } from '../models/user.ts'
import { Problem } from '../problem.ts'
import { BODY, problems } from '../schemas/problem.ts'
import { Credentials, TokenOut } from '../schemas/token.ts'

const login: FastifyPluginAsyncTypebox = async (app) => {
  // Forms are read here and nowhere else.
  await app.register(formbody)

  app.post(
    '/login',
    {
      schema: {
        operationId: 'login',
        tags: ['Authentication'],
        summary: 'Log in',
        description: "OAuth 2's password form (or JSON): the e-mail goes into `username`.",
        consumes: ['application/x-www-form-urlencoded', 'application/json'],
        body: Credentials,
        response: { 200: TokenOut, ...problems(...BODY, 'INVALID_CREDENTIALS') },
      },
    },
    async (request, reply) => {
      const { username, password } = request.body
      const user = await User.findByEmail(app.knex, username)
      // A wrong e-mail costs the same work as a wrong password, and gets the same answer.
      const verdict = await app.hasher.verify({ password, hash: user?.password, signal: hangUpOf(reply) })
      if (user === undefined || !verdict.ok)
        throw new Problem('INVALID_CREDENTIALS', 'Wrong e-mail or password.')
      return app.issueToken(user)
    },
  )
}

export default login
