import { randomBytes } from 'node:crypto'
import { dbSession } from '@auth-primer/db-session'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyRequest } from 'fastify'
import knexModule from 'knex'

/** The app around the chapter's routes: each request has a session of the database in `request.db`. */
export async function buildApp(databaseUrl: string, routes: FastifyPluginAsync): Promise<FastifyInstance> {
  const app = Fastify()
  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  await app.register(dbSession, { knex, closePools: true })
  await app.register(routes)
  return app
}

// #region caller
const { access } = jwtKit({
  issuer: 'chapter-11',
  keys: keyring('HS256', [{ kid: '1', key: randomBytes(32) }]),
  kinds: { access: tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) }) },
})

/** An `onRequest` hook: without a token, 401. */
export const authenticate = access.guard()

/** The id of the user whose token came with the request. */
export const callerOf = (request: FastifyRequest): number => Number(access.claims(request).sub)
// #endregion

/** What a log-in gives to this user. */
export const tokenOf = (userId: number): string => access.sign({ sub: String(userId) })
