/** The OpenAPI document as Postman imports it, and the Postman collection of this repository, sent by Postman's own runner. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { COLLECTION, COURSE } from '../../../docs/check/collection.ts'
import { runToEnd } from '../../../test-support/consumer.ts'
import { type OpenApi, readOperations } from '../../../test-support/document.ts'
import { serve, truncateTables } from '../../../test-support/social-api.ts'
import { seed } from '../src/demo/seed.ts'

/** Not dependencies of this repository, because of their size. */
const PACKAGES = ['openapi-to-postmanv2@6.3.3', 'newman@6.2.2']
const INSTALL = 'install --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error'.split(' ')

interface Variable {
  key: string
  value: string
}

/** The parts of a converted collection that this test reads or fills in. */
interface Collection {
  item: Item[]
  auth: object
  variable: Variable[]
}

interface Item {
  name: string
  item?: Item[]
  event?: object[]
  request: {
    auth?: { type: string } | null
    url: { query?: Variable[]; variable?: Variable[] }
    body?: { raw?: string; urlencoded?: Variable[] }
  }
}

const { app, call, url } = await serve(t)
const document = (await call('GET', '/openapi.json')).body as OpenApi
const operations = new Map(readOperations(document).map((operation) => [operation.operationId, operation]))

const folder = await mkdtemp(join(tmpdir(), 'postman-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
await writeFile(join(folder, 'package.json'), '{ "private": true }')
await writeFile(join(folder, 'openapi.json'), JSON.stringify(document))
t.match(await runToEnd(folder, 'npm', ...INSTALL, ...PACKAGES), { exitCode: 0 }, 'the tools are installed')

const runTool = (name: string, ...args: string[]) =>
  runToEnd(folder, process.execPath, join(folder, 'node_modules/.bin', name), ...args)

/** Converts the document to a collection, with the converter's options. */
async function convert(...options: string[]): Promise<Collection> {
  const { exitCode, err } = await runTool(
    ...['openapi2postmanv2', '-s', 'openapi.json', '-o', 'converted.json'],
    ...options.flatMap((option) => ['-O', option]),
  )
  if (exitCode !== 0) throw new Error(`The document was not converted:\n${err}`)
  return JSON.parse(await readFile(join(folder, 'converted.json'), 'utf8'))
}

/** Returns the requests of a collection, without their folders. */
function flatten({ item }: { item: Item[] }): Item[] {
  return item.flatMap((one) => (one.item ? flatten({ item: one.item }) : [one]))
}

/** Sends the requests of a collection with newman, and returns the status of each. */
async function send(collection: object, ...options: string[]): Promise<string[]> {
  await writeFile(join(folder, 'collection.json'), JSON.stringify(collection))
  await runTool(
    ...['newman', 'run', 'collection.json', '--reporters', 'json', '--reporter-json-export', 'report.json'],
    ...options,
  )
  const { run } = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'))
  const failures: { source: { name: string }; error: { message: string } }[] = run.failures
  return [
    ...run.executions.map(
      (one: { item: { name: string }; response?: { code: number } }) =>
        `${one.item.name}: ${one.response?.code ?? 'no response'}`,
    ),
    ...failures.map(({ source, error }) => `${source.name} failed: ${error.message}`),
  ]
}

/** Does what a person does after the import: sets the address, puts the requests in order, and fills in the tokens. */
function prepare(collection: Collection): Collection {
  const items = new Map(flatten(collection).map((item) => [item.name, item]))
  const inOrder = COURSE.flatMap((id) => items.get(operations.get(id)?.summary ?? '') ?? [])
  for (const { request } of inOrder) {
    if (request.auth?.type !== 'noauth') delete request.auth
    const { body } = request
    if (body?.raw) body.raw = body.raw.replace(/("refresh_token": *)"[^"]*"/, '$1"{{refresh_token}}"')
  }
  for (const id of ['login', 'refreshToken']) {
    const item = items.get(operations.get(id)?.summary ?? '')
    if (item) item.event = [{ listen: 'test', script: { type: 'text/javascript', exec: KEEP_TOKENS } }]
  }
  return {
    ...collection,
    item: inOrder,
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{access_token}}', type: 'string' }] },
    variable: [{ key: 'baseUrl', value: url }],
  }
}

const KEEP_TOKENS = ['access_token', 'refresh_token'].map(
  (name) => `pm.collectionVariables.set('${name}', pm.response.json().${name})`,
)

const expected = COURSE.map((id) => {
  const { summary, responses } = operations.get(id) ?? { summary: id, responses: {} }
  return `${summary}: ${Object.keys(responses).find((status) => status.startsWith('2'))}`
})

t.beforeEach(async () => {
  await truncateTables(app.knex)
  await seed(app.knex)
})

t.test(
  'converted with its examples, the document is a collection whose requests get their 2xx',
  async (t) => {
    const collection = prepare(await convert('parametersResolution=Example'))
    t.equal(expected.length, operations.size)
    t.same(await send(collection), expected)
  },
)

t.test('a request that needs a token does not get its 2xx without one', async (t) => {
  const collection = prepare(await convert('parametersResolution=Example'))
  const open = [...operations.values()].filter(({ security }) => security.length === 0)
  const withoutToken = await send({ ...collection, auth: { type: 'noauth' } })
  t.same(
    withoutToken.filter((line) => line.endsWith(': 401')).length,
    operations.size - open.length,
    withoutToken.join('\n'),
  )
})

t.test(
  'converted without options, values with a default or an enum are filled in, and all others name their type',
  async (t) => {
    const items = flatten(await convert())
    const values = items.flatMap(({ request: { url, body } }) => [
      ...[...(url.query ?? []), ...(url.variable ?? []), ...(body?.urlencoded ?? [])].map(
        ({ key, value }) => [key, value] as const,
      ),
      ...Object.entries(JSON.parse(body?.raw ?? '{}')),
    ])
    const byName = Object.fromEntries(values)
    t.match(byName, { limit: '10', skip: '0', search: '', published: true, dir: /^[01]$/ })
    for (const name of ['limit', 'skip', 'search', 'published', 'dir']) delete byName[name]
    for (const [name, value] of Object.entries(byName)) t.match(value, /^<\w+>$/, name)
    t.equal(byName.id, '<integer>')
  },
)

t.test('newman sends the collection of this repository twice, and each request gets its 2xx', async (t) => {
  const collection = JSON.parse(await readFile(COLLECTION, 'utf8'))
  const sent = await send(collection, '--iteration-count', '2', '--env-var', `host=${url}`)
  t.same(sent, [...expected, ...expected])
})

t.test('newman reports a request of the collection that fails', async (t) => {
  const { item, ...collection } = JSON.parse(await readFile(COLLECTION, 'utf8'))
  const sent = await send({ ...collection, item: item.slice(1) }, '--env-var', `host=${url}`)
  t.ok(
    sent.some((line) => /^Write a post failed: .* 201 but got 400$/.test(line)),
    sent.join('\n'),
  )
})
