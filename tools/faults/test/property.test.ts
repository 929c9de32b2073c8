import t from 'tap'
import type { OpenApi } from '../../../test-support/document.ts'
import { serve, type TestService } from '../../../test-support/social-api.ts'
import { fuzz } from '../src/fuzz/fuzz.ts'

/** A fixed seed, so that a failure can be repeated. */
const SEED = 20_261_122
const REQUESTS = 300

t.test('the document declares every response, with its media type and schema', async (t) => {
  const service = await serve(t)
  t.comment(`seed ${SEED}`)
  const counts = await fuzz(service, { requests: REQUESTS, seed: SEED })
  for (const [operation, { '2xx': good, '4xx': bad }] of counts) {
    t.comment(`${operation.padEnd(20)} ${String(good).padStart(4)} 2xx ${String(bad).padStart(4)} 4xx`)
    t.ok(good > 0, `${operation} succeeds (if it never does, fuzz/live.ts lacks what is live for it)`)
    t.ok(bad > 0, `${operation} rejects`)
  }
})

t.test('a response that the document does not declare is reported', async (t) => {
  const service = await serve(t)
  for (const [fault, path, method, change] of [
    ['the document declares no 404', '/posts/{id}', 'get', ({ responses }) => delete responses[404]],
    ['the document declares no 422', '/health', 'get', ({ responses }) => delete responses[422]],
    ['the document declares no content', '/health', 'get', ({ responses }) => delete responses[200]?.content],
    [
      'the document declares no application/json',
      '/',
      'get',
      ({ responses }) => delete responses[200]?.content?.['application/json'],
    ],
    [
      'must be boolean',
      '/users/me',
      'get',
      (_, { UserOut }) => {
        UserOut.properties.id.type = 'boolean'
      },
    ],
    [
      'the document calls this request good',
      '/posts',
      'get',
      ({ parameters }) => {
        for (const { schema } of parameters) schema.maximum = 200
      },
    ],
    [
      'the document calls this body bad',
      '/posts',
      'post',
      (_, { PostIn }) => {
        PostIn.properties.summary = { type: 'string' }
        PostIn.required.push('summary')
      },
    ],
  ] as [string, string, string, Change][]) {
    const wrong = withDocument(service, (document) => {
      const operation = document.paths[path]?.[method] as Operation
      document.paths = { [path]: { [method]: operation } }
      change(operation, document.components.schemas as Schemas)
    })
    await t.rejects(fuzz(wrong, { requests: 100, seed: SEED }), { message: fault }, fault)
  }
})

type Operation = OpenApi['paths'][string][string]
// biome-ignore lint/suspicious/noExplicitAny: the schemas of a document, which the test changes
type Schemas = Record<string, any>
type Change = (operation: Operation, schemas: Schemas) => void

/** Starts the service with a changed document. */
function withDocument(service: TestService, change: (document: OpenApi) => void): TestService {
  return {
    ...service,
    async call(method, path, options) {
      const response = await service.call(method, path, options)
      if (path === '/openapi.json') change(response.body)
      return response
    },
  }
}
