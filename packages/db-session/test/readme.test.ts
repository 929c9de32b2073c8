import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { DB_SESSION_ERROR_CODES } from '../src/index.ts'
import { parseSessionOptions } from '../src/options.ts'
import { openDatabase, openKnex } from './setup.ts'

const database = await openDatabase(t)
const defaults = parseSessionOptions({ knex: openKnex(database.url) }, [])
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const [block] = Array.from(readme.matchAll(/^```ts\n(.+?)^```$/gms), ([, code]) => code as string)

t.test('the code of the README runs', async (t) => {
  // next to this package, so its name resolves to it
  const folder = t.testdir({
    'readme.mts': `${block}
const made = await app.inject({ method: 'POST', url: '/users', payload: { email: 'ada@example.org' } })
const read = await app.inject('/users')
console.log(made.statusCode, made.json().email, read.json().length)
await app.close()
await knex.destroy()
`,
  })
  const child = spawn(process.execPath, ['--import', 'tsx', `${folder}/readme.mts`], {
    env: { ...process.env, DATABASE_URL: database.url, _TAPJS_PROCESSINFO_COVERAGE_: '0', NODE_OPTIONS: '' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  const [code] = await once(child, 'exit')
  t.equal(code, 0, output)
  t.match(output, '201 ada@example.org 1')
  t.match(output, 'welcome, user 1')
})

const sources = new URL('../src/', import.meta.url)
const source = readdirSync(sources)
  .map((file) => readFileSync(new URL(file, sources), 'utf8'))
  .join('')

t.test('every code, option and channel in the README exists', async (t) => {
  const named = (pattern: RegExp) => [...new Set(Array.from(readme.matchAll(pattern), ([, name]) => name))]
  const codes = named(/\b(DB_SESSION_[A-Z_]+)\b/g)
  t.ok(codes.length > 5)
  t.same(
    codes.filter((code) => !DB_SESSION_ERROR_CODES.includes(code as never)),
    [],
  )
  const options = named(/`(\w+Ms)`/g)
  t.ok(options.length > 2)
  t.same(
    options.filter((name) => !((name as string) in defaults)),
    [],
  )
  t.match(readme, 'thrown away', 'after the second that is the default')
  t.equal(defaults.cancelTimeoutMs, 1_000)
  const [, listed = ''] = /publishes (`auth-primer:db-session:.+?), each with/s.exec(readme) ?? []
  const channels = Array.from(listed.matchAll(/:(\w+)`/g), ([, name]) => `'${name}'`)
  t.match(source.replace(/\s+/g, ' '), `[${channels.join(', ')}] as const).map((event) =>`)
})

t.test('the package uses no AsyncLocalStorage', async (t) => {
  t.notMatch(source, /async_hooks|AsyncLocalStorage/)
})
