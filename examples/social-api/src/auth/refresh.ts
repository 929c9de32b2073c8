import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Problem } from '../problem.ts'
import { RefreshFamily } from './model.ts'
import { RefreshIn, TokenOut } from './schemas.ts'
import { INVALID_TOKEN, toTokenOut } from './tokens.ts'

const SPENT = 'The refresh token is unknown, expired or spent. Log in again.'

export const refresh: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/token/refresh',
    {
      schema: {
        operationId: 'refreshToken',
        tags: ['Authentication'],
        summary: 'Get new tokens',
        description: 'Spends the refresh token and returns another. Reusing a spent one ends the login.',
        body: RefreshIn,
        response: { 200: TokenOut },
        problems: [['TOKEN_INVALID', SPENT]],
      },
    },
    async ({ db, body: { refresh_token } }) => {
      const next = await RefreshFamily.rotate(db, refresh_token, app.refreshLifetime)
      if (next !== undefined) return toTokenOut(app, next.user, next.token)
      // Either the client or the owner of a spent token is a thief, so the family ends. That is committed despite the 401.
      await RefreshFamily.revoke(db, refresh_token)
      await db.commit()
      throw new Problem('TOKEN_INVALID', SPENT, { headers: INVALID_TOKEN })
    },
  )

  app.post(
    '/logout',
    {
      schema: {
        operationId: 'logout',
        tags: ['Authentication'],
        summary: 'Log out',
        description:
          'Ends the login: its refresh token is no longer valid. Its last access token is, until it expires, since the service keeps no list of those.',
        body: RefreshIn,
        response: { 204: Type.Null({ description: 'Logged out.' }) },
      },
    },
    async ({ db, body: { refresh_token } }, reply) => {
      await RefreshFamily.revoke(db, refresh_token)
      return reply.code(204).send(null)
    },
  )
}
