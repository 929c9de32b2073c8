import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stopPostgres } from '@auth-primer/tool-postgres'
import t from 'tap'
import { createClient } from '../../../test-support/client.ts'
import { LISTENS, run, SERVER } from '../../../test-support/process.ts'
import { DEMO_PASSWORD, DEMO_POSTS, DEMO_USERS } from '../src/demo/data.ts'

const dir = await mkdtemp(join(tmpdir(), 'reset '))
const env = { AUTH_PRIMER_DATA_DIR: dir }
t.teardown(async () => {
  await stopPostgres({ dir, force: true })
  await rm(dir, { recursive: true, force: true })
})
const service = run(t, SERVER, env)
const { call, signUp } = createClient(await service.waitForOutput(LISTENS))

async function reset(...args: string[]) {
  const command = ['npm', 'run', '--silent', 'db:reset', '--', ...args]
  const { waitForExit, output } = run(t, command, { HOME: tmpdir(), ...env })
  return { code: await waitForExit(), output: output() }
}

async function readDemoPosts() {
  const form = { username: DEMO_USERS[0]?.email ?? '', password: DEMO_PASSWORD }
  const { status, body } = await call('POST', '/login', { form })
  const { body: posts } = await call('GET', '/posts?limit=100', { token: body.access_token })
  return { status, posts: posts.length }
}

t.test('while the service runs, `db:reset` changes nothing and names the command that works', async (t) => {
  const { token } = await signUp('kept@example.com')
  const { code, output } = await reset()
  t.equal(code, 1)
  t.match(output, /^The embedded Postgres is in use .*`npm run db:reset -- --force`.*\n$/)
  t.equal((await call('GET', '/users/me', { token })).status, 200)
})

t.test('while the service runs, `db:reset -- --force` puts the demo data back', async (t) => {
  const { id, token } = await signUp('gone@example.com')
  await call('POST', '/posts', { token, json: { title: 'gone', content: 'too' } })
  const published = DEMO_POSTS.filter((post) => post.published).length
  t.not((await readDemoPosts()).posts, published)

  const { code, output } = await reset('--force')
  t.match(output, 'Only the demo data is in the database now')
  t.equal(code, 0)
  t.same(await readDemoPosts(), { status: 200, posts: published })
  t.match(await call('GET', '/users/me', { token }), { status: 401, body: { code: 'TOKEN_INVALID' } })
  t.ok((await signUp('next@example.com')).id > id, 'the old token is not one for a new user')
  t.equal((await call('GET', '/users/me', { token })).status, 401)
  t.notMatch(service.output(), /"level":[456]0/, 'no request failed')
})

t.test('after the service has stopped, `db:reset` creates the database again', async (t) => {
  service.child.kill('SIGTERM')
  t.equal(await service.waitForExit(), 0)
  const { code, output } = await reset()
  t.equal(code, 0)
  t.match(output, /Creating a new database cluster[\s\S]*Stored the demo data/)
  t.notOk(existsSync(join(dir, 'jwt-secret')), 'tokens of the old users are invalid')
  t.equal((await stopPostgres({ dir })).outcome, 'not running')
})
