import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import t, { type Test } from 'tap'
import { DB_SESSION_ERROR_CODES, toDbSessionError } from '../src/index.ts'
import { parseSessionOptions } from '../src/options.ts'
import { openDatabase, openKnex } from './setup.ts'

const database = await openDatabase(t)
await database.other.query(`
  create table tags (name text unique, user_id int references users (id));
  create table logins (email text);
  create role tenant`)
t.teardown(() => database.other.query('drop role tenant'))

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const readme = read('../README.md')
const blocks = Array.from(readme.matchAll(/^```ts\n(.+?)^```$/gms), ([, code]) => code as string)
const [start = '', ...others] = blocks
const tests = others.pop() ?? ''

/** Runs a program next to this package, so its name resolves to it. Resolves with what it printed. */
async function run(t: Test, program: string): Promise<string> {
  const folder = t.testdir({ 'readme.mts': program })
  const { url } = database
  const child = spawn(process.execPath, ['--import', 'tsx', `${folder}/readme.mts`], {
    env: {
      ...process.env,
      DATABASE_URL: url,
      AUDIT_DATABASE_URL: url,
      _TAPJS_PROCESSINFO_COVERAGE_: '0',
      NODE_OPTIONS: '',
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  const [code] = await once(child, 'exit')
  t.equal(code, 0, output)
  return output
}

t.test('the code of the README runs', async (t) => {
  const output = await run(
    t,
    `${start}${others.join('')}
tenants.get('/tenant', async ({ db }) => (await db.query("SELECT current_setting('app.tenant') AS t")).rows[0])
const post = (url, payload = {}) => app.inject({ method: 'POST', url, payload })
const made = await post('/users', { email: 'ada@example.org' })
const read = await app.inject('/users')
console.log(made.statusCode, made.json().email, read.json().length)
for (const email of ['bob', 'eve']) console.log('tagged', (await post('/tags', { email })).json().isTagged)
const counts = await Promise.all([1, 2].map(() => post('/counters')))
console.log('counted', Math.max(...counts.map((count) => count.json().n)))
console.log('audit', (await post('/logins')).statusCode)
console.log('tenant', (await tenants.inject({ url: '/tenant', headers: { 'x-tenant': 'acme' } })).json().t)
for (const closable of [app, tenants]) await closable.close()
for (const pool of [knex, auditKnex]) await pool.destroy()
`,
  )
  for (const line of [
    '201 ada@example.org 1',
    'welcome, user 1',
    'tagged true',
    'tagged false',
    'counted 2',
    'audit 204',
    'tenant acme',
  ])
    t.match(output, line)
  t.same(await database.see('select email from users order by id'), ['ada@example.org', 'bob', 'eve'])
})

t.test('the test in the README leaves no row', async (t) => {
  await database.other.query('truncate users cascade')
  const end = "import { after } from 'node:test'\nafter(() => app.close().then(() => knex.destroy()))\n"
  t.match(await run(t, start + tests + end), 'welcome, user')
  t.same(await database.see('select id from users'), [])
})

const sources = new URL('../src/', import.meta.url)
const source = readdirSync(sources)
  .map((file) => readFileSync(new URL(file, sources), 'utf8'))
  .join('')

t.test('every code, option, default and channel in the README exists', async (t) => {
  const named = (pattern: RegExp, text = readme) => [
    ...new Set(Array.from(text.matchAll(pattern), ([, name]) => name as string)),
  ]
  const codes = named(/\b(DB_SESSION_[A-Z_]+)\b/g)
  t.ok(codes.length > 3)
  t.same(
    codes.filter((code) => !DB_SESSION_ERROR_CODES.includes(code as never)),
    [],
  )
  const knex = openKnex(database.url)
  const defaults: Record<string, unknown> = { ...parseSessionOptions({ knex }, []) }
  const options = readme.slice(readme.indexOf('## Plugin options'), readme.indexOf('## Errors'))
  for (const [, name, value] of options.matchAll(/^\| `(\w+)` \| `?(\d+|true|false)`? \|/gm))
    t.equal(String(defaults[name as string]), value, `${name}`)
  const listed = named(/`(\w+)`/g, options)
  for (const name of Object.keys(defaults)) t.ok(listed.includes(name), `${name} is listed`)
  const [, channels = ''] = /publishes (`auth-primer:db-session:.+?)\./s.exec(readme) ?? []
  t.match(source, `[${named(/:(\w+)`/g, channels).map((name) => `'${name}'`)}]`.replaceAll(',', ', '))
})

t.test('the table of SQLSTATEs states the status and the code of each', async (t) => {
  const page = read('../../../docs/explanation/database-errors.md')
  const rows = [...page.matchAll(/^\| ([^|]+) \| [^|]+ \| \[(DB_SESSION_\w+)\]\(.+\) \| (\d+) \|$/gm)]
  t.equal(rows.length, 9)
  for (const [, states = '', code, status] of rows)
    for (const [state] of states.matchAll(/\b[0-9A-Z]{5}\b/g)) {
      const error = Object.assign(new pg.DatabaseError('x', 1, 'error'), {
        severity: 'ERROR',
        routine: 'x',
        code: state,
      })
      const translated = toDbSessionError(error)
      t.equal(`${translated?.code} ${translated?.statusCode}`, `${code} ${status}`, state)
    }
})

t.test('the package uses no AsyncLocalStorage', async (t) => {
  t.notMatch(source, /async_hooks|AsyncLocalStorage/)
})
