import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Problem } from '../problem.ts'
import { RefreshFamily } from './model.ts'
import { logOut, refreshToken, SPENT } from './schemas.ts'
import { INVALID_TOKEN, toTokenOut } from './tokens.ts'

export const refresh: FastifyPluginAsyncTypebox = async (app) => {
  app.post('/token/refresh', { schema: refreshToken }, async ({ db, body: { refresh_token } }) => {
    const next = await RefreshFamily.rotate(db, refresh_token, app.refreshLifetime)
    if (next !== undefined) return toTokenOut(app, next.user, next.token)
    // Either the client or the owner of a spent token is a thief, so the family ends. That is committed despite the 401.
    await RefreshFamily.revoke(db, refresh_token)
    await db.commit()
    throw new Problem('TOKEN_INVALID', SPENT, { headers: INVALID_TOKEN })
  })

  app.post('/logout', { schema: logOut }, async ({ db, body: { refresh_token } }, reply) => {
    await RefreshFamily.revoke(db, refresh_token)
    return reply.code(204).send(null)
  })
}
