import { randomBytes } from 'node:crypto'
import { dbSession } from '@auth-primer/db-session'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyRequest } from 'fastify'
import knexModule from 'knex'

/** Builds the app around the chapter's routes. Each request has a database session in `request.db`. */
export async function buildApp(databaseUrl: string, routes: FastifyPluginAsync): Promise<FastifyInstance> {
  const app = Fastify()
  const knex = knexModule({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: 25 } })
  await app.register(dbSession, { knex, acquireTimeoutMs: 10_000, closePools: true })
  await app.register(routes)
  return app
}

// A new key at each start invalidates all tokens at a restart. A real service loads its key from a secret that stays.
const { access } = jwtKit({
  issuer: 'chapter-12',
  keys: keyring('HS256', [{ kid: '1', key: randomBytes(32) }]),
  kinds: { access: tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) }) },
})

/** An `onRequest` hook that rejects requests without a valid token with 401. */
export const authenticate = access.guard()

/** Returns the id of the user in the request's token. */
export const callerOf = (request: FastifyRequest): number => Number(access.claims(request).sub)

/** Returns a token for this user, as a login would. */
export const tokenOf = (userId: number): string => access.sign({ sub: String(userId) })
