import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { openDatabase } from './setup.ts'

const database = await openDatabase(t)
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const [block] = Array.from(readme.matchAll(/^```ts\n(.+?)^```$/gms), ([, code]) => code as string)

t.test('the code of the README runs', async (t) => {
  // beside this package, so that its name is resolved to it as it is built
  const folder = t.testdir({
    'readme.mts': `${block}
const made = await app.inject({ method: 'POST', url: '/users', payload: { email: 'ada@example.org' } })
const read = await app.inject('/users')
console.log(made.statusCode, made.json().email, read.json().length)
await app.close()
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
