import { createHasher, type Hasher } from '@auth-primer/auth-hash'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import fastifyPlugin from 'fastify-plugin'
import { type AppOptions, buildApp as buildAppAround } from '../app/app.ts'

/** The options of the login plugin. */
export interface LoginOptions {
  hasher: Hasher
}

interface Options extends AppOptions {
  /** Hashes and verifies passwords. @default a hasher with the defaults of auth-hash, as in chapter 05 */
  readonly hasher?: Hasher
}

/** Builds an app with the login, a route that requires its token, and Swagger UI at /docs. */
export function buildApp(
  { hasher = createHasher(), ...options }: Options,
  login: FastifyPluginAsyncTypebox<LoginOptions>,
) {
  return buildAppAround(options, documentation, async (app) => app.register(login, { hasher }), me)
}

// Without `fastifyPlugin`, the document would describe only the routes of this plugin.
const documentation = fastifyPlugin(async (app) => {
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
})

const me: FastifyPluginAsyncTypebox = async (app) => {
  const schema = { security: [{ login: [] }] }
  app.get('/users/me', { schema, onRequest: app.authenticate }, async (request) =>
    request
      .db('users')
      .where({ id: app.callerId(request) })
      .first('id', 'email'),
  )
}
