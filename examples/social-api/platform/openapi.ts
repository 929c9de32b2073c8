/** Protects clients from guesswork: the OpenAPI document, made from the schemas that validate, a page to try it with, and pages for errors. */
import { readFile } from 'node:fs/promises'
import header from '@auth-primer/tool-header'
import swaggerUi, { completeDocument } from '@auth-primer/tool-swagger-ui'
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'

const DESCRIPTION = `Users, login, posts and votes: the sample service of auth-primer.

Sign up, log in with **Authorize**, and try every operation that has a lock.`

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
    transformObject: (document) =>
      completeDocument('openapiObject' in document ? document.openapiObject : {}),
  })
  await app.register(header)
  await app.register(swaggerUi, { title: 'social-api' })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}

/** Reads a file of `assets/`. The path is the same from the sources and from the build. */
export async function readAsset(name: string): Promise<string> {
  return readFile(new URL(import.meta.resolve(`@auth-primer/social-api/assets/${name}`)), 'utf8')
}
