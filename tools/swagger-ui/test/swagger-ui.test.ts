import { gunzipSync } from 'node:zlib'
import header from '@auth-primer/tool-header'
import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import t from 'tap'
import swaggerUi, { completeDocument } from '../src/index.ts'

t.test(
  'the page’s files are compressed, and kept by browsers under a URL that changes with them',
  async (t) => {
    const app = Fastify()
    await app.register(swagger, { openapi: { info: { title: 'a', version: '1' } } })
    await app.register(header)
    await app.register(swaggerUi, { title: 'a <b>' })
    const page = await app.inject('/docs')
    t.match(page.body, '<title>a &lt;b></title>')
    t.match(page.headers['content-security-policy'], /^default-src 'none'/)
    const urls = [...page.body.matchAll(/(?:src|href)="(\/docs\/static\/[^"]+\?v=[0-9a-f]{8})"/g)].map(
      ([, url = '']) => url,
    )
    t.equal(urls.length, 4)
    let transferred = 0
    for (const url of urls) {
      const plain = await app.inject(url)
      const compressed = await app.inject({ url, headers: { 'accept-encoding': 'gzip, deflate' } })
      t.equal(plain.headers['content-encoding'], undefined)
      t.match(compressed.headers, {
        'content-encoding': 'gzip',
        vary: 'accept-encoding',
        'cache-control': 'max-age=31536000',
      })
      t.same(gunzipSync(compressed.rawPayload), plain.rawPayload, url)
      t.notOk('pragma' in compressed.headers)
      transferred += compressed.rawPayload.length
    }
    t.ok(transferred < 600_000, `${transferred} bytes`)
  },
)

t.test(
  'completeDocument() names schemas, and repeats examples, defaults and bounds where tools look for them',
  async (t) => {
    const schema = {
      type: 'object',
      title: 'Login',
      properties: { name: { type: 'string' }, note: { type: 'string' }, dir: { enum: [0, 1] } },
    }
    const parameters = [
      { in: 'query', name: 'limit', schema: { type: 'integer', default: 10 } },
      { in: 'query', name: 'skip', schema: { type: 'integer' } },
    ]
    const media = { schema, example: { name: 'maya' } }
    const post = { operationId: 'login', parameters, requestBody: { content: { 'application/json': media } } }
    const get = { operationId: 'me', security: [{ login: [] }] }
    const document = completeDocument({
      paths: { '/login': { post, get } },
      components: { securitySchemes: {} },
    })
    t.same(document, {
      paths: {
        '/login': {
          post: {
            ...post,
            parameters: [{ ...parameters[0], example: 10 }, parameters[1]],
            requestBody: {
              content: { 'application/json': { ...media, schema: { $ref: '#/components/schemas/Login' } } },
            },
            security: [],
          },
          get,
        },
      },
      components: {
        securitySchemes: {},
        schemas: {
          Login: {
            ...schema,
            properties: {
              name: { type: 'string', example: 'maya' },
              note: { type: 'string' },
              dir: { type: 'integer', enum: [0, 1], minimum: 0, maximum: 1 },
            },
          },
        },
      },
    })
  },
)
