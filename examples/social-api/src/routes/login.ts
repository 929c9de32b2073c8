import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
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
          "Changes an e-mail and a password for a token. It is OAuth 2's password form (or JSON), so the e-mail goes into `username`.",
        consumes: ['application/x-www-form-urlencoded', 'application/json'],
        body: Credentials,
        response: { 200: TokenOut, ...problems(...BODY, ...WRITE, 'INVALID_CREDENTIALS') },
      },
    },
    async (request, reply) => {
      const { username, password } = request.body
      const found = await app.throttleGuesses(request, username, (place) =>
        app.userWith(username, password, { signal: hangUpOf(reply), place }),
      )
      if (found) await secondOfPasswordChange(found)
      // Hashing took its time: who was deleted or has another password since then does not get in.
      const user = found && (await User.lock(request.db, found, 'share'))
      // One and the same answer, whether the e-mail or the password is wrong.
      if (user === undefined) throw new Problem('INVALID_CREDENTIALS', 'Invalid Credentials')
      return { ...app.issueToken(user), refresh_token: await app.refreshTokens.begin(request.db, user) }
    },
  )
}

export default login
