import { Validator } from '@seriousme/openapi-schema-validator'
import t from 'tap'
import { PROBLEMS } from '../src/problem.ts'
import { serve } from './helper.ts'

interface Schema {
  required?: string[]
  properties?: Record<string, Schema>
  enum?: string[]
  minimum?: number
  maximum?: number
  items?: Schema
}

interface Operation {
  operationId?: string
  tags?: string[]
  summary?: string
  security?: object[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>
}

const OPERATIONS = {
  'GET /': 'getRoot',
  'POST /users': 'createUser',
  'GET /users/me': 'getMe',
  'PUT /users/me/password': 'changePassword',
  'GET /users/{id}': 'getUser',
  'POST /login': 'login',
  'POST /token/refresh': 'refreshToken',
  'POST /logout': 'logout',
  'GET /posts': 'listPosts',
  'POST /posts': 'createPost',
  'GET /posts/{id}': 'getPost',
  'PUT /posts/{id}': 'replacePost',
  'DELETE /posts/{id}': 'deletePost',
  'POST /vote': 'vote',
  'GET /health': 'getHealth',
  'GET /ready': 'getReady',
}
const OPEN = [
  'GET /',
  'POST /users',
  'POST /login',
  'POST /token/refresh',
  'POST /logout',
  'GET /health',
  'GET /ready',
]
/** Open, but with a 401 of its own: for the token in its body. */
const REFRESH = 'POST /token/refresh'
const MEMBERS = ['type', 'title', 'status', 'detail', 'code', 'instance']

t.test('the document', async (t) => {
  const { call } = await serve(t)
  const { status, body: document } = await call('GET', '/openapi.json')
  const operations: [string, Operation][] = Object.entries<Record<string, Operation>>(document.paths).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, Operation] => [
        `${method.toUpperCase()} ${path}`,
        operation,
      ]),
  )

  t.test('is one, wherever it is asked for', async (t) => {
    t.equal(status, 200)
    t.match(document.openapi, /^3\.1\.\d+$/)
    const json = await call('GET', '/docs/json')
    t.equal(json.status, 200)
    t.same(json.body, document)
    const yaml = await call('GET', '/docs/yaml')
    t.equal(yaml.status, 200)
    t.match(yaml.body, /^openapi: "?3\.1\./)
    const page = await call('GET', '/docs')
    t.equal(page.status, 200)
    t.match(page.headers.get('content-type'), /^text\/html/)
    t.match(page.body, /swagger-ui/)
    t.equal((await call('GET', '/openapi.xml')).status, 404)
  })

  t.test('is valid OpenAPI 3.1', async (t) => {
    const valid = await new Validator().validate(structuredClone(document))
    t.same(valid, { valid: true })

    const broken = structuredClone(document)
    delete broken.info.title
    t.match(await new Validator().validate(broken), { valid: false }, 'and would not be without a title')
  })

  t.test('has every operation, and no route that is not for clients', async (t) => {
    t.same(
      Object.fromEntries(operations.map(([name, { operationId }]) => [name, operationId])),
      OPERATIONS,
      'no 405, no HEAD, no /openapi.json, no /docs',
    )
  })

  t.test('names, tags and summarises each operation', async (t) => {
    const tags = document.tags.map(({ name }: { name: string }) => name)
    for (const [name, operation] of operations) {
      t.match(operation, { operationId: /^[a-z]\w+$/, summary: /\S/, tags: { length: 1 } }, name)
      t.ok(
        operation.tags?.every((tag) => tags.includes(tag)),
        `${name} has a tag that is described`,
      )
    }
    const ids = operations.map(([, { operationId }]) => operationId)
    t.equal(new Set(ids).size, ids.length)
  })

  t.test('says which operations want a token, truly', async (t) => {
    for (const [name, { security, responses }] of operations) {
      const [method, path] = name.split(' ') as [string, string]
      const answer = await call(method, path.replace('{id}', '1'))
      const isOpen = OPEN.includes(name)
      t.equal(answer.status === 401, !isOpen, `${name} answers ${answer.status}`)
      t.same(security, isOpen ? undefined : [{ login: [] }], name)
      t.equal('401' in responses, !isOpen || name === REFRESH, name)
    }
  })

  t.test('logs in with OAuth 2’s password flow', async (t) => {
    t.match(document.components.securitySchemes, {
      login: { type: 'oauth2', flows: { password: { tokenUrl: 'login', scopes: {} } } },
    })
    const { login } = Object.fromEntries(
      operations.map(([, operation]) => [operation.operationId, operation]),
    )
    t.same(Object.keys(login?.requestBody?.content ?? {}), [
      'application/x-www-form-urlencoded',
      'application/json',
    ])
    const { createPost } = Object.fromEntries(operations.map(([, one]) => [one.operationId, one]))
    t.same(Object.keys(createPost?.requestBody?.content ?? {}), ['application/json'], 'no form elsewhere')
  })

  t.test('declares each problem under its status, with every member', async (t) => {
    for (const [name, { responses }] of operations) {
      t.notOk('default' in responses, name)
      t.notOk(
        Object.keys(responses).some((key) => key.includes('X')),
        `${name} has each status of its own`,
      )
      for (const [status, { content, description }] of Object.entries(responses)) {
        if (Number(status) < 400) {
          t.notOk(content?.['application/problem+json'], `${name} ${status} is no problem`)
          continue
        }
        t.same(Object.keys(content ?? {}), ['application/problem+json'], `${name} ${status}`)
        const schema = content?.['application/problem+json']?.schema
        const members = [...MEMBERS, ...(status === '422' ? ['errors'] : [])]
        t.same(schema?.required?.toSorted(), members.toSorted(), `${name} ${status}`)
        t.same(Object.keys(schema?.properties ?? {}).sort(), members.toSorted(), `${name} ${status}`)
        const { status: number, code, errors } = schema?.properties ?? {}
        t.match(number, { minimum: Number(status), maximum: Number(status) })
        t.equal(description, code?.enum?.join(', '))
        for (const one of code?.enum ?? [])
          t.equal(PROBLEMS[one as keyof typeof PROBLEMS], Number(status), one)
        if (status === '422') t.same(errors?.items?.required?.toSorted(), ['in', 'message', 'path'])
      }
      for (const always of ['500', '503']) t.ok(always in responses, `${name} ${always}`)
    }
  })

  t.test('shows no password in an answer, and asks for one to sign up and to log in', async (t) => {
    const asked = operations.filter(([, { requestBody }]) =>
      JSON.stringify(requestBody ?? {}).includes('password'),
    )
    t.same(asked.map(([name]) => name).sort(), ['POST /login', 'POST /users', 'PUT /users/me/password'])
    for (const [name, { responses }] of operations)
      t.notMatch(JSON.stringify(responses), /password|hash/i, name)
    const [, signUp] = operations.find(([name]) => name === 'POST /users') as [string, Operation]
    t.same(Object.keys(signUp.responses[201]?.content?.['application/json']?.schema.properties ?? {}), [
      'id',
      'email',
      'created_at',
    ])
  })
})
