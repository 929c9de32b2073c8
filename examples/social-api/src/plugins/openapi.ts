import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { swaggerTheme } from '../swagger-theme.ts'
import { DOCS_POLICY } from './security-headers.ts'

/** The OpenAPI document, made from the routes' schemas, and Swagger UI to try it with. */
export default fp(async (app) => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'social-api',
        version: '0.1.0',
        description: DESCRIPTION,
        contact: { name: 'The authors of auth-primer' },
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'Where this document came from.' }],
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
              'Log in with an e-mail as `username` and its password. There is no client id and no secret.',
            flows: { password: { tokenUrl: 'login', scopes: {} } },
          },
        },
      },
    },
    transformObject: (document) => nameSchemas('openapiObject' in document ? document.openapiObject : {}),
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: {
      deepLinking: true,
      tryItOutEnabled: true,
      persistAuthorization: true,
      displayRequestDuration: true,
      defaultModelsExpandDepth: 0,
    },
    theme: swaggerTheme,
    staticCSP: DOCS_POLICY,
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
})

const DESCRIPTION = `Users, log-in, posts and votes: the sample service of auth-primer.

Sign up, log in with **Authorize**, and every operation with a lock is yours to try.`

type Members = Record<string, unknown>

/** A schema with a title is written once, under `components`: that is where generated clients take their types' names from. */
function nameSchemas(document: Members): Members {
  const schemas: Record<string, Members> = {}
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit)
    if (typeof value !== 'object' || value === null) return value
    const copy: Members = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, visit(one)]))
    const { title, type } = copy
    if (type !== 'object' || typeof title !== 'string') return copy
    // An answer's example is moved beside its schema: this one may be the same without it.
    if (!(title in schemas) || 'examples' in copy) schemas[title] = copy
    return { $ref: `#/components/schemas/${title}` }
  }
  const paths = visit(document.paths)
  return { ...document, paths, components: { ...(document.components as Members), schemas } }
}
