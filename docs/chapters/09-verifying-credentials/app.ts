import { randomBytes } from 'node:crypto'
import { createHasher, type Hasher } from '@auth-primer/auth-hash'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Knex } from 'knex'

/** The options of the login plugin. */
export interface LoginOptions {
  db: Knex
  hasher: Hasher
  issueToken: (user: { id: number }) => string
}

/** Builds an app with the login, a route that requires its token, and Swagger UI at /docs. */
export async function buildApp(
  db: Knex,
  login: FastifyPluginAsyncTypebox<LoginOptions>,
): Promise<FastifyInstance> {
  const app = Fastify()

  // #region scheme
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Chapter 09', version: '1.0.0' },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          login: { type: 'oauth2', flows: { password: { tokenUrl: 'login', scopes: {} } } },
        },
      },
    },
  })
  await app.register(swaggerUi, { routePrefix: '/docs' })
  // #endregion

  const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) })
  // A new key at each start invalidates all tokens at a restart. A real service loads its key from a secret that stays.
  const keys = keyring('HS256', [{ kid: '1', key: randomBytes(32) }])
  const kit = jwtKit({ issuer: 'chapter-09', keys, kinds: { access } })

  await app.register(login, {
    db,
    hasher: createHasher({ cost: 10 }),
    issueToken: ({ id }) => kit.access.sign({ sub: String(id) }),
  })

  const schema = { security: [{ login: [] }] }
  app.get('/users/me', { schema, onRequest: kit.access.guard() }, async (request) => {
    const { sub } = kit.access.claims(request)
    return db('users')
      .where({ id: Number(sub) })
      .first('id', 'email')
  })
  return app
}
