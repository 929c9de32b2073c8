import { Validator } from '@seriousme/openapi-schema-validator'
import spectral from '@stoplight/spectral-core'
import rulesets from '@stoplight/spectral-rulesets'
import t from 'tap'
import {
  createValidator,
  follow,
  type OpenApi,
  type Operation,
  readOperations,
} from '../../../test-support/document.ts'
import { serve } from '../../../test-support/social-api.ts'
import { PROBLEMS } from '../src/problem.ts'

// Named imports of default exports that are CommonJS.
const { Ruleset, Spectral } = spectral
const { oas } = rulesets

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
/** Needs no access token, but responds with 401 to a wrong refresh token. */
const REFRESH = 'POST /token/refresh'
const MEMBERS = ['type', 'title', 'status', 'detail', 'code', 'instance']

t.test('the OpenAPI document describes the service', async (t) => {
  const { call } = await serve(t)
  const { status, body } = await call('GET', '/openapi.json')
  const document = body as OpenApi
  const operations = readOperations(document)
  const byId = (id: string) => operations.find(({ operationId }) => operationId === id) as Operation

  t.test('the document is the same at each of its URLs, and /docs shows it', async (t) => {
    t.equal(status, 200)
    t.match(body.openapi, /^3\.1\.\d+$/)
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

  t.test('the document is valid OpenAPI 3.1', async (t) => {
    const valid = await new Validator().validate(structuredClone(body))
    t.same(valid, { valid: true })

    const broken = structuredClone(body)
    delete broken.info.title
    t.match(await new Validator().validate(broken), { valid: false }, 'invalid without a title')
  })

  t.test('the document has every operation, and no route that is not for clients', async (t) => {
    t.same(
      Object.fromEntries(operations.map(({ name, operationId }) => [name, operationId])),
      OPERATIONS,
      'no 405 routes, no HEAD, no /openapi.json and no /docs',
    )
  })

  t.test('each operation has an id, a tag, a summary and a description', async (t) => {
    const tags = document.tags.map(({ name }) => name)
    for (const { name, ...operation } of operations) {
      t.match(operation, { operationId: /^[a-z]\w+$/, summary: /\S/, tags: { length: 1 } }, name)
      t.match(operation.description, /^[A-Z].{30,}[.]$/, `${name} is described in sentences`)
      t.ok(
        operation.tags.every((tag) => tags.includes(tag)),
        `${name} has a tag that is described`,
      )
    }
    const ids = operations.map(({ operationId }) => operationId)
    t.equal(new Set(ids).size, ids.length)
  })

  t.test('the document states correctly which operations need a token', async (t) => {
    for (const { name, method, path, security, responses } of operations) {
      const response = await call(method, path.replace('{id}', '1'))
      const isOpen = OPEN.includes(name)
      t.equal(response.status === 401, !isOpen, `${name} responds with ${response.status}`)
      t.same(security, isOpen ? [] : [{ login: [] }], name)
      t.equal('401' in responses, !isOpen || name === REFRESH, name)
      if (!isOpen) t.ok(responses[401]?.headers?.['WWW-Authenticate'], `${name} has a challenge`)
    }
  })

  t.test('the document declares the password flow of OAuth 2, with a form at /login', async (t) => {
    t.match(document.components.securitySchemes, {
      login: { type: 'oauth2', flows: { password: { tokenUrl: 'login', scopes: {} } } },
    })
    t.same(Object.keys(byId('login').requestBody?.content ?? {}), [
      'application/x-www-form-urlencoded',
      'application/json',
    ])
    t.same(
      Object.keys(byId('createPost').requestBody?.content ?? {}),
      ['application/json'],
      'no form elsewhere',
    )
  })

  t.test('each problem is declared under its status, with every member', async (t) => {
    const isValid = createValidator(document)
    const seen = new Set<string>()
    for (const { name, path, method, responses } of operations) {
      for (const [status, { content, description }] of Object.entries(responses)) {
        t.match(status, /^[1-5][0-9][0-9]$/, `${name} has no default response`)
        if (Number(status) < 400) {
          t.notOk(content?.['application/problem+json'], `${name} ${status} is not a problem`)
          continue
        }
        t.same(Object.keys(content ?? {}), ['application/problem+json'], `${name} ${status}`)
        const { schema, examples = {} } = content?.['application/problem+json'] ?? {}
        const [problem, details] = schema?.allOf ?? []
        t.same(problem, { $ref: '#/components/schemas/Problem' })
        t.same(details?.properties?.status?.enum, [Number(status)])
        t.same(details?.required, status === '422' ? ['errors'] : undefined)

        const codes = details?.properties?.code?.enum as (keyof typeof PROBLEMS)[]
        for (const code of codes) {
          t.equal(PROBLEMS[code].status, Number(status), code)
          t.match(description, `\`${code}\`: `)
          t.match(examples[code]?.value, { code, status: Number(status) })
        }
        t.same(Object.keys(examples), codes, 'an example of each code, and no others')

        if (seen.has(JSON.stringify(schema))) continue
        seen.add(JSON.stringify(schema))
        // Every member is required: without any one of them, a document is invalid.
        const [first] = Object.values(examples)
        const at = ['paths', path, method.toLowerCase(), 'responses', status, 'content']
        const check = (value: unknown) => isValid(value, ...at, 'application/problem+json', 'schema')
        t.equal(check(first?.value), undefined)
        for (const member of [...MEMBERS, ...(status === '422' ? ['errors'] : [])])
          t.match(check({ ...(first?.value as object), [member]: undefined }), /required|must be/, member)
      }
      for (const always of ['400', '408', '414', '415', '422', '500', '503'])
        t.ok(always in responses, `${name} ${always}`)
    }
  })

  t.test('no response has a password, and only sign-up, login and password change ask for one', async (t) => {
    const getBodySchema = ({ requestBody }: Operation) =>
      Object.values(requestBody?.content ?? {}).map(({ schema }) => follow(document, schema))
    const asked = operations.filter((one) => JSON.stringify(getBodySchema(one)).includes('password'))
    t.same(asked.map(({ name }) => name).sort(), ['POST /login', 'POST /users', 'PUT /users/me/password'])
    const responses = Object.entries(document.components.schemas).filter(
      ([name]) => !['UserCreate', 'Credentials', 'PasswordChange'].includes(name),
    )
    t.notMatch(JSON.stringify(responses), /password|hash/i)
    t.same(Object.keys(document.components.schemas.UserOut?.properties ?? {}), ['id', 'email', 'created_at'])
  })

  t.test(
    'Spectral’s OpenAPI rules find no problem in the document, and find those of a broken one',
    async (t) => {
      const linter = new Spectral()
      linter.setRuleset(new Ruleset({ extends: [oas] }))
      const lint = async (document: Record<string, unknown>) =>
        (await linter.run(document)).map(({ code, path }) => `${code} ${path.join('.')}`)

      t.same(await lint(body), [])

      const broken = structuredClone(body)
      delete broken.info.contact
      broken.paths['/health'].get.operationId = 'getReady'
      broken.paths['/users'].post.requestBody.content['application/json'].example.email = 5
      broken.components.schemas.UserOut.properties.id.type = 'number of the user'
      delete broken.paths['/posts/{id}'].get.parameters
      const found = await lint(broken)
      for (const rule of [
        'info-contact',
        'operation-operationId-unique',
        'oas3-valid-media-example',
        'oas3-schema',
        'path-params',
      ]) {
        t.ok(
          found.some((line) => line.startsWith(`${rule} `)),
          rule,
        )
      }
    },
  )
})
