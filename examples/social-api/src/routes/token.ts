import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { INVALID_TOKEN, Problem } from '../problem.ts'
import { BODY, problems, WRITE } from '../schemas/problem.ts'
import { RefreshIn, TokenOut } from '../schemas/token.ts'

const token: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/token/refresh',
    {
      schema: {
        operationId: 'refreshToken',
        tags: ['Authentication'],
        summary: 'Get a new token',
        description:
          'The refresh token is spent and another comes back. One that is spent already ends the log-in.',
        body: RefreshIn,
        response: { 200: TokenOut, ...problems(...BODY, ...WRITE, ['TOKEN_INVALID', SPENT]) },
      },
    },
    async (request) => {
      const { db } = request
      const { refresh_token } = request.body
      const rotated = await app.refreshTokens.rotate(db, refresh_token)
      if (rotated === undefined) {
        // Whoever shows a spent token, or its owner, is a thief. That the family ends is stored although this is a 401.
        await app.refreshTokens.end(db, refresh_token)
        await db.commit()
        throw new Problem('TOKEN_INVALID', SPENT, {
          headers: INVALID_TOKEN,
        })
      }
      return { ...app.issueToken(rotated.user), refresh_token: rotated.next }
    },
  )
}

const SPENT = 'The refresh token is unknown, expired or spent. Log in again.'

export default token
