import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { DOCS_POLICY } from './security-headers.ts'

/** The OpenAPI document, made from the routes' schemas, and Swagger UI to try it with. */
export default fp(async (app) => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'social-api',
        version: '0.1.0',
        description: 'Users, log-in, posts and votes: the sample service of auth-primer.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'Users', description: 'Sign up, and see who somebody is.' },
        { name: 'Authentication', description: 'Change an e-mail and a password for a token.' },
        { name: 'Posts', description: 'Write, read, search, edit and delete.' },
        { name: 'Votes', description: 'Vote for a post, or take it back.' },
        { name: 'Service', description: 'Is it there, and able to serve?' },
      ],
      components: {
        securitySchemes: {
          login: {
            type: 'oauth2',
            description:
              'Log in with an e-mail as `username` and its password. The client fields stay empty.',
            flows: { password: { tokenUrl: 'login', scopes: {} } },
          },
        },
      },
    },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { deepLinking: true, tryItOutEnabled: true, persistAuthorization: true },
    theme: { title: 'social-api' },
    staticCSP: DOCS_POLICY,
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
})
