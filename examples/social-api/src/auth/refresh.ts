import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { RefreshFamily } from './model.ts'
import { logOut, refreshToken, SPENT } from './schemas.ts'
import { invalidToken, toTokenOut } from './tokens.ts'

export const refresh: FastifyPluginAsyncTypebox = async (app) => {
  app.post('/token/refresh', { schema: refreshToken }, async ({ db, body: { refresh_token } }) => {
    const next = await RefreshFamily.rotate(db, refresh_token, app.refreshLifetime)
    if (next !== undefined) return toTokenOut(app, next.user, next.token)
    // Someone used the token before: either of the two may be a thief, so the family ends. That is committed despite the 401.
    await RefreshFamily.revoke(db, refresh_token)
    await db.commit()
    throw invalidToken(SPENT)
  })

  app.post('/logout', { schema: logOut }, async ({ db, body: { refresh_token } }, reply) => {
    await RefreshFamily.revoke(db, refresh_token)
    return reply.code(204).send(null)
  })
}
