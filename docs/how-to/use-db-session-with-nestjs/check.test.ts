import { fileURLToPath } from 'node:url'
import t from 'tap'
import { tsImport } from 'tsx/esm/api'
import { openDatabase } from '../../check/database.ts'

// decorators need a compiler: ts-blank-space only removes types
const tsconfig = fileURLToPath(new URL('tsconfig.json', import.meta.url))
const { buildApp }: typeof import('./app.ts') = await tsImport('./app.ts', {
  parentURL: import.meta.url,
  tsconfig,
})
const { knex } = await openDatabase(t, new URL('users.sql', import.meta.url))
const app = await buildApp(knex)
t.teardown(() => app.close())
const post = (payload: object) => app.inject({ method: 'POST', url: '/users', payload })

t.test('a user that was created is listed', async (t) => {
  t.equal((await post({ email: 'ada@example.org' })).statusCode, 201)
  const listed = (await app.inject('/users')).json()
  t.match(listed, [{ email: 'ada@example.org' }])
  t.equal(listed.length, 1)
})

t.test('the filter responds to a broken constraint with its status and without SQL', async (t) => {
  const response = await post({ email: 'ada@example.org' })
  t.equal(response.statusCode, 409)
  t.equal(response.json().code, 'DB_SESSION_CONSTRAINT')
  t.notMatch(response.body, /insert|ada@/)
})

t.test('a COMMIT that fails is a 409 too, and creates nothing', async (t) => {
  const response = await post({ email: 'eve@example.org', invited_by: 99 })
  t.equal(response.statusCode, 409)
  t.notMatch(response.body, /insert|eve@/)
  t.same(await knex('users').pluck('email'), ['ada@example.org'])
})

t.test('Nest still responds to other errors', async (t) => {
  t.equal((await app.inject('/nowhere')).statusCode, 404)
})
