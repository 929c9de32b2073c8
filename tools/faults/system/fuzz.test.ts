import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { OpenApi } from '../../../test-support/document.ts'
import { serve, type TestService } from '../../../test-support/social-api.ts'
import { curl } from '../src/fuzz/curl.ts'
import { fuzz } from '../src/fuzz/fuzz.ts'
import { LIVE } from '../src/fuzz/requests.ts'

/** A fixed seed, so that a failure can be repeated. */
const SEED = 20_261_122

t.test('the document declares every response, with its media type and schema', async (t) => {
  t.comment(`seed ${SEED}`)
  const counts = await fuzz(await serve(t), { requests: 1_000, seed: SEED })
  for (const [operation, { '2xx': good, '4xx': bad }] of counts) {
    t.comment(`${operation.padEnd(20)} ${String(good).padStart(4)} 2xx ${String(bad).padStart(4)} 4xx`)
    t.ok(good > 0, `${operation} succeeds (if it never does, fuzz/live.ts lacks a value that it needs)`)
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
      'by the document, this request is valid',
      '/posts',
      'get',
      ({ parameters }) => {
        for (const { schema } of parameters) schema.maximum = 200
      },
    ],
    [
      'by the document, this body is invalid',
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

t.test('a failure and a request that hangs are found, with a command that repeats them', async (t) => {
  const { url, call, signUp } = await serve(t, {}, (app) => {
    app.addHook('onRequest', async (request) => {
      if (request.headers['x-forwarded-for'] === undefined) return
      if (request.routeOptions.url === '/health') throw new TypeError('a bug')
      if (request.routeOptions.url === '/ready') await sleep(2_000)
    })
  })
  const only = (path: string) => ({
    url,
    signUp,
    async call(...request: Parameters<typeof call>) {
      const response = await call(...request)
      if (request[1] === '/openapi.json') response.body.paths = { [path]: response.body.paths[path] }
      return response
    },
  })
  await t.rejects(fuzz(only('/health'), { requests: 200, seed: 1 }), {
    message: /GET \/health: no request may make the service fail\n.*curl .*x-forwarded-for(.|\n)*INTERNAL/,
  })
  await t.rejects(fuzz(only('/ready'), { requests: 200, seed: 1, timeoutMs: 1_000 }), {
    message: /GET \/ready: no response: late\n.*curl .*x-forwarded-for/,
  })
})

t.test('the command that repeats a request has no token and no password', async (t) => {
  const value = { username: 'ann@example.com', password: 'a good password' }
  const generated = {
    path: {},
    query: [],
    headers: {},
    token: 'good',
    body: { type: 'application/json', value: { username: LIVE, password: LIVE } },
    mutations: [],
  } as const
  const headers = { authorization: 'Bearer aaa.bbb.ccc', 'x-a': "it's" }
  for (const body of [JSON.stringify(value), new URLSearchParams(value).toString()]) {
    const line = curl('http://h', { method: 'POST', path: '/login', headers, body }, generated)
    t.match(line, /^curl .*-X POST 'http:\/\/h\/login' -H "authorization: Bearer \$TOKEN" -H 'x-a: it'\\''s'/)
    t.match(line, /ann(@|%40)example.com.*<password>/)
    t.notMatch(line, /aaa|good/)
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
