/** Protects clients from guesswork: the OpenAPI document, made from the schemas that validate, and a page to try it with. */
import { readFile } from 'node:fs/promises'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { CSP_DENY_ALL } from './headers.ts'

const DESCRIPTION = `Users, login, posts and votes: the sample service of auth-primer.

Sign up, log in with **Authorize**, and try every operation that has a lock.`

/** Swagger UI loads only from this origin, and hides one empty drawing with an inline style. */
const DOCS_POLICY = {
  ...CSP_DENY_ALL,
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-hashes'", "'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='"],
  'connect-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
}

export async function registerOpenapi(app: FastifyInstance) {
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
      servers: [{ url: '/', description: 'The server of this document.' }],
      tags: [
        { name: 'Users', description: 'Sign up, and look users up.' },
        { name: 'Authentication', description: 'Exchange an email and password for tokens.' },
        { name: 'Posts', description: 'Write, read, search, edit and delete.' },
        { name: 'Votes', description: 'Vote for a post, or withdraw the vote.' },
        { name: 'Service', description: 'Is the service alive, and is it ready?' },
      ],
      components: {
        securitySchemes: {
          login: {
            type: 'oauth2',
            description: 'The `username` is the email. There is no client id or secret.',
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
    theme: {
      title: 'social-api',
      css: [{ filename: 'social-api.css', content: await readAsset('swagger-ui.css') }],
      js: [{ filename: 'social-api.js', content: await readAsset('swagger-ui.js') }],
    },
    staticCSP: DOCS_POLICY,
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}

/** Reads a file of `assets/`. The path is the same from the sources and from the build. */
export async function readAsset(name: string): Promise<string> {
  return readFile(new URL(import.meta.resolve(`@auth-primer/social-api/assets/${name}`)), 'utf8')
}

type Members = Record<string, unknown>

/** Writes each schema that has a title once, under `components`, where generated clients find the names of their types. */
function nameSchemas(document: Members): Members {
  const schemas: Record<string, Members> = {}
  const paths = JSON.parse(JSON.stringify(document.paths), (_key, value) => {
    if (value?.type !== 'object' || typeof value.title !== 'string') return value
    // A response's example is moved next to its schema, so the same schema may come once without it.
    if (!(value.title in schemas) || 'examples' in value) schemas[value.title] = value
    return { $ref: `#/components/schemas/${value.title}` }
  })
  return { ...document, paths, components: { ...(document.components as Members), schemas } }
}
