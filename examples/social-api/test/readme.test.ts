import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'
import { DEMO_PASSWORD, DEMO_USERS } from '../src/demo/data.ts'
import { seed } from '../src/demo/seed.ts'

const CHECKOUT = resolve(import.meta.dirname, '../../..')
const read = (file: string) => readFile(resolve(CHECKOUT, file), 'utf8')

t.test('the requests of the README’s tour get the responses that it shows', async (t) => {
  const { app, url } = await serve(t)
  await seed(app.knex)
  const [, tour = ''] = /## A tour in five requests.*?```sh\n(.*?)```/s.exec(await read('README.md')) ?? []
  const script = `${tour.replaceAll('localhost:3000', new URL(url).host)}\n`.replace(/^(curl)/gm, 'echo; $1')
  const { stdout } = await promisify(execFile)('sh', ['-euc', script])
  const [user, post, found, vote] = stdout
    .split('\n')
    .filter((line) => line.startsWith('{') || line.startsWith('['))
    .map((line) => JSON.parse(line))

  t.same(Object.keys(user), ['id', 'email', 'created_at'])
  t.match(post, { title: 'Hello', owner: { email: 'you@example.com' } })
  t.equal(found.length, 3)
  t.match(vote, { message: String })
})

t.test('the README has every demo user and the demo password', async (t) => {
  const text = await read('README.md')
  for (const { email } of DEMO_USERS) t.match(text, email)
  t.match(text, DEMO_PASSWORD)
})

t.test('the README and CONTRIBUTING name all npm scripts, and no others', async (t) => {
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> }
  const text = `${await read('README.md')}\n${await read('CONTRIBUTING.md')}`
  const named = new Set(
    [...text.matchAll(/npm run ([\w:]+)/g), ...text.matchAll(/`(db:\w+)`/g)].map(([, name]) => name),
  )
  for (const name of named) t.ok(name && (name === 'bench' || name in scripts), `npm run ${name}`)
  // npm runs `pre…` itself, `npm start` and `npm test` need no `run`, and `knex` is part of the db commands.
  const silent = ['start', 'test', 'knex', 'build']
  for (const name of Object.keys(scripts)) {
    if (!name.startsWith('pre') && !silent.includes(name)) t.ok(named.has(name), `${name} is documented`)
  }
})
