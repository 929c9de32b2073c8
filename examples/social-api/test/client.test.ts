import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import openapiTS, { astToString } from 'openapi-typescript'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'

const TSC = resolve(import.meta.dirname, '../../../node_modules/typescript/bin/tsc')
const run = promisify(execFile)

t.test('a client generated from the OpenAPI document is type-checked, and works', async (t) => {
  const { url, call } = await serve(t)
  const { body: document } = await call('GET', '/openapi.json')
  // A member with a default may be left out of a request.
  const api = astToString(await openapiTS(document, { defaultNonNullable: false }))
  const folder = t.testdir({
    'package.json': '{ "type": "module" }',
    'api.d.ts': api,
    'flow.ts': FLOW,
    'wrong.ts': WRONG,
  })
  const diagnostics = await compile(folder, ['flow.ts', 'wrong.ts'])

  t.test('a correct client program has no type error', async (t) => {
    t.same(
      diagnostics.filter(({ file }) => file !== 'wrong.ts'),
      [],
    )
  })

  t.test('a wrong client program has a type error on each wrong line', async (t) => {
    const wrong = WRONG.split('\n').flatMap((line, index) => (line.includes('// wrong: ') ? [index + 1] : []))
    t.equal(wrong.length, 7)
    const found = diagnostics.filter(({ file }) => file === 'wrong.ts').map(({ line }) => line)
    t.same([...new Set(found)], wrong)
  })

  t.test('the correct client program gets the expected responses', async (t) => {
    const { stdout } = await run(process.execPath, [resolve(folder, 'flow.js'), url])
    t.same(JSON.parse(stdout), {
      user: 'you@example.com',
      voted: 'successfully added vote',
      again: 'you have voted',
      list: [['From a client', 'you@example.com', 1]],
      missing: 'NOT_FOUND',
    })
  })
})

/** Compiles the programs in their folder, and returns their type errors. */
async function compile(folder: string, files: string[]): Promise<{ file: string; line: number }[]> {
  const options =
    '--ignoreConfig --target es2023 --module nodenext --types node --strict --exactOptionalPropertyTypes --skipLibCheck'
  const { stdout } = await run(process.execPath, [TSC, ...options.split(' '), ...files], {
    cwd: folder,
  }).catch((error) => error)
  return [...stdout.matchAll(/^(.+)\((\d+),\d+\): error /gm)].map(([, file, line]) => ({
    file,
    line: Number(line),
  }))
}

const FLOW = `import createClient from 'openapi-fetch'
import type { components, paths } from './api.d.ts'

const [baseUrl = ''] = process.argv.slice(2)
const client = createClient<paths>({ baseUrl })

const email = 'you@example.com'
const password = 'a good password'
const signedUp = await client.POST('/users', { body: { email, password } })
const login = await client.POST('/login', { body: { username: email, password } })
if (login.error) throw new Error(login.error.detail)

const headers = { authorization: 'Bearer ' + login.data.access_token }
const written = await client.POST('/posts', {
  headers,
  body: { title: 'From a client', content: 'With types.' },
})
const post: components['schemas']['Post'] | undefined = written.data
const id = post?.id ?? 0
const voted = await client.POST('/vote', { headers, body: { post_id: id, dir: 1 } })
const again = await client.POST('/vote', { headers, body: { post_id: id, dir: 1 } })
const list = await client.GET('/posts', { headers, params: { query: { limit: 5, search: 'client' } } })
const missing = await client.GET('/posts/{id}', { headers, params: { path: { id: 4711 } } })

/** The codes are a union, so the compiler checks that each case is one of them. */
function explain({ error }: typeof again): string {
  switch (error?.code) {
    case 'ALREADY_VOTED':
      return 'you have voted'
    case 'CONFLICT':
      return 'try again'
    default:
      return error?.detail ?? 'well'
  }
}

console.log(
  JSON.stringify({
    user: signedUp.data?.email,
    voted: voted.data?.message,
    again: explain(again),
    list: list.data?.map(({ Post, votes }) => [Post.title, Post.owner.email, votes]),
    missing: missing.error?.code,
  }),
)
`

/** Mistakes that the compiler finds. */
const WRONG = `import createClient from 'openapi-fetch'
import type { paths } from './api.d.ts'

const client = createClient<paths>({ baseUrl: '' })

await client.GET('/nothing') // wrong: no such path
await client.POST('/users', { body: { email: 'you@example.com' } }) // wrong: a member is missing
await client.POST('/vote', { body: { post_id: 1, dir: 2 } }) // wrong: 0 or 1
await client.GET('/posts', { params: { query: { limit: 'ten' } } }) // wrong: a number
await client.GET('/posts/{id}') // wrong: the id is missing
const { data, error } = await client.GET('/users/me')
console.log(data?.password) // wrong: no response has a password
if (error) console.log(error.code === 'NOT_OWNER') // wrong: this operation does not have that code
`
