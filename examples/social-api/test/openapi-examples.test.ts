import t from 'tap'
import {
  createValidator,
  follow,
  type OpenApi,
  type Operation,
  readOperations,
} from '../../../test-support/document.ts'
import { callRaw, serve, truncateTables } from '../../../test-support/social-api.ts'
import { DEMO_PASSWORD } from '../src/demo/data.ts'
import { seed } from '../src/demo/seed.ts'

/** Members that are new in each response: they match a pattern, not the documented value. */
const NEW = {
  access_token: /^[\w-]+\.[\w-]+\.[\w-]+$/,
  refresh_token: /^\S{20,}$/,
}

const { app, call } = await serve(t)
const { body: document } = await call('GET', '/openapi.json')
const form = { username: 'maya@example.com', password: DEMO_PASSWORD }

async function restart() {
  await truncateTables(app.knex)
  await seed(app.knex)
}

t.test('with the demo data, each example request gets the example response', async (t) => {
  const isValid = createValidator(document)
  const logIn = async () => (await call('POST', '/login', { form })).body
  await restart()
  const { access_token: token } = await logIn()

  for (const operation of readOperations(document as OpenApi)) {
    const { name, method, requestBody, responses } = operation
    t.test(`${name} responds as in its example`, async (t) => {
      const [[status, success] = ['', undefined], ...others] = Object.entries(responses).filter(
        ([status]) => Number(status) < 400,
      )
      t.same(others, [], 'one status of success')
      const contents = Object.entries(requestBody?.content ?? { none: {} as { example?: unknown } })
      for (const [mediaType, { example }] of contents) {
        if (requestBody) {
          t.type(example, 'object', `an example of the ${mediaType} body`)
          t.equal(
            isValid(example, ...at(operation), 'requestBody', 'content', mediaType, 'schema'),
            undefined,
          )
        }
        await restart()
        const response = await call(method, pathWithExamples(operation), {
          ...(operation.security.length > 0 && { token }),
          ...(mediaType.endsWith('json') && { json: await withLiveToken(example) }),
          ...(mediaType.endsWith('urlencoded') && { form: example as Record<string, string> }),
        })
        t.equal(response.status, Number(status), JSON.stringify(response.body))

        const documented = success?.content?.['application/json']
        if (documented === undefined) {
          t.equal(response.body, '', 'no content, as documented')
          continue
        }
        t.ok('example' in documented, 'an example of the response')
        t.equal(
          isValid(
            documented.example,
            ...at(operation),
            'responses',
            status,
            'content',
            'application/json',
            'schema',
          ),
          undefined,
        )
        if (Array.isArray(documented.example)) {
          t.same(
            response.body.slice(0, documented.example.length),
            documented.example,
            'the start of the list',
          )
        } else {
          t.same(withoutNew(response.body, method), withoutNew(documented.example, method))
          for (const [member, pattern] of Object.entries(NEW)) {
            if (member in response.body) t.match(response.body[member], pattern)
            t.equal(member in response.body, member in (documented.example as object))
          }
        }
      }
    })
  }

  /** Replaces the refresh token of an example, because a refresh token can be used only once. */
  async function withLiveToken(example: unknown): Promise<unknown> {
    if (typeof example !== 'object' || example === null || !('refresh_token' in example)) return example
    return { ...example, refresh_token: (await logIn()).refresh_token }
  }
})

t.test('each example of a problem is what the service responds', async (t) => {
  await restart()
  const token: string = (await call('POST', '/login', { form })).body.access_token
  const email = 'maya@example.com'
  const twice = await call('POST', '/vote', { token, json: { post_id: 4, dir: 1 } })
  t.equal(twice.status, 201)

  const problems = {
    'createUser EMAIL_TAKEN': await call('POST', '/users', { json: { email, password: DEMO_PASSWORD } }),
    'getUser NOT_FOUND': await call('GET', '/users/4711', { token }),
    'login INVALID_CREDENTIALS': await call('POST', '/login', { form: { ...form, password: 'wrong' } }),
    'getPost NOT_FOUND': await call('GET', '/posts/4711', { token }),
    'getPost NOT_AUTHENTICATED': await call('GET', '/posts/1'),
    'getPost TOKEN_INVALID': await call('GET', '/posts/1', { token: `${token}x` }),
    'getPost UNSUPPORTED_MEDIA_TYPE': await call('GET', '/posts/1', {
      token,
      headers: { 'content-encoding': 'gzip' },
    }),
    'getPost URI_TOO_LONG': await callRaw(app.listeningOrigin, `/posts/1?${'x'.repeat(20_000)}`),
    'createPost PAYLOAD_TOO_LARGE': await call('POST', '/posts', { token, json: 'x'.repeat(1_100_000) }),
    'deletePost NOT_OWNER': await call('DELETE', '/posts/2', { token }),
    'vote NOT_FOUND': await call('POST', '/vote', { token, json: { post_id: 4711, dir: 1 } }),
    'vote ALREADY_VOTED': await call('POST', '/vote', { token, json: { post_id: 4, dir: 1 } }),
  }
  const operations = new Map(readOperations(document as OpenApi).map((one) => [one.operationId, one]))
  const documented = (operationId: string, status: string | number, code: string) =>
    operations.get(operationId)?.responses[status]?.content?.['application/problem+json']?.examples?.[code]
      ?.value as { errors?: { in: string; path: string }[] }
  for (const [what, { status, body }] of Object.entries(problems)) {
    const [operationId = '', code = ''] = what.split(' ')
    t.same(body, { ...documented(operationId, status, code), instance: body.instance }, what)
  }

  // The request that each 422 is about.
  for (const operation of operations.values()) {
    const { operationId, name, method, parameters, requestBody } = operation
    const example = documented(operationId, 422, 'VALIDATION_FAILED')
    const [{ in: part, path } = { in: '', path: '' }] = example.errors ?? []
    const limit = parameters.find((one) => path === `/${one.name}`)?.schema.maximum
    const url =
      part === 'params' ? operation.path.replace('{id}', `${Number(limit) + 1}`) : pathWithExamples(operation)
    const query =
      part === 'querystring' ? (limit ? `?${path.slice(1)}=${limit + 1}` : '?again=1&again=2') : ''
    const { status, body } = await call(method, url + query, { token, ...(requestBody && { json: {} }) })
    t.equal(status, 422, name)
    t.same(body, { ...example, instance: body.instance }, `${name} responds with the documented 422`)
    t.equal(part === 'body', requestBody !== undefined, `${name} has an example about what it reads`)
  }
})

t.test(
  'each parameter and each property of a body has an example, which is that of the whole body',
  async (t) => {
    for (const { name, parameters, requestBody } of readOperations(document as OpenApi)) {
      for (const parameter of parameters) t.ok('example' in parameter, `${name} ${parameter.name}`)
      for (const { schema, example } of Object.values(requestBody?.content ?? {})) {
        const { properties = {} } = follow(document as OpenApi, schema)
        t.same(
          Object.fromEntries(Object.entries(properties).map(([key, one]) => [key, one.example])),
          example,
          name,
        )
      }
    }
  },
)

const at = ({ path, method }: Operation) => ['paths', path, method.toLowerCase()]

function pathWithExamples({ path, parameters }: Operation): string {
  return path.replace(/\{(\w+)\}/g, (_, name) => String(parameters.find((one) => one.name === name)?.example))
}

/** Replaces the members that are new in each response. */
function withoutNew(body: unknown, method: string): object {
  const made = method === 'POST' ? { created_at: 'now' } : {}
  const copy: Record<string, unknown> = { ...(body as object) }
  for (const member of Object.keys({ ...NEW, ...made })) if (member in copy) copy[member] = 'new'
  return copy
}
