/** `npm run class -- --reset`, in a copy of the repository, because it replaces the exercises. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stopPostgres } from '@auth-primer/tool-postgres'
import t from 'tap'
import { DEMO_PASSWORD, DEMO_POSTS, DEMO_USERS } from '../../../examples/social-api/src/demo/data.ts'
import { copyCheckout } from '../../../test-support/checkout.ts'
import { createClient } from '../../../test-support/client.ts'
import { createMigratedDatabase, openKnex } from '../../../test-support/database.ts'
import { CHECKOUT, run } from '../../../test-support/process.ts'

const TITLE = DEMO_POSTS[0]?.title ?? ''
const EXERCISE = 'docs/chapters/05-creating-users/exercise'
const BACKUPS = 'docs/chapters/05-creating-users/.backups'

const checkout = copyCheckout(t)
// With the built packages, so that this test need not build them again.
for (const folder of ['examples', 'packages', 'tools'])
  for (const name of readdirSync(join(CHECKOUT, folder))) copyBuild(join(folder, name))
copyBuild('migrations')
const dir = join(checkout, '.data')
// A site that is newer than the docs, so that the service builds none.
const site = join(checkout, 'site')
mkdirSync(site)
writeFileSync(join(site, 'index.html'), '')
t.teardown(() => stopPostgres({ dir, force: true }))

function copyBuild(workspace: string): void {
  const from = join(CHECKOUT, workspace, 'dist')
  if (existsSync(from))
    cpSync(from, join(checkout, workspace, 'dist'), { recursive: true, preserveTimestamps: true })
}

const readFile = (path: string) => readFileSync(join(checkout, path), 'utf8')
const writeFile = (path: string, text: string) => writeFileSync(join(checkout, path), text)

/** The command that `npm run class` runs after the build. */
const CLASS = [process.execPath, join(checkout, 'tools/terminal/dist/cli.js')]

/** Runs `npm run class` with these arguments to its end. */
async function runClass(args: string[], env: Record<string, string> = {}) {
  const { waitForExit, output } = run(t, [...CLASS, ...args], env, { cwd: checkout, isRecorded: false })
  return { code: await waitForExit(), output: output() }
}

/** Starts the service for a class. */
async function startClass() {
  const env = { AUTH_PRIMER_SITE_DIR: site }
  const service = run(t, CLASS, env, { cwd: checkout, isRecorded: false })
  const url = await service.waitForOutput(/(http:[^"\s]*)\/xray\?key=/)
  return { ...service, ...createClient(url) }
}

/** Leaves the checkout as a class does. Returns the original files of the exercise. */
function changeExercise(text: string): Record<string, string> {
  const originals = Object.fromEntries(
    readdirSync(join(checkout, EXERCISE)).map((name) => [name, readFile(join(EXERCISE, name))]),
  )
  for (const name of Object.keys(originals)) writeFile(join(EXERCISE, name), text)
  writeFile(join(EXERCISE, 'added.ts'), text)
  return originals
}

const readExercise = () =>
  Object.fromEntries(
    readdirSync(join(checkout, EXERCISE)).map((name) => [name, readFile(join(EXERCISE, name))]),
  )

t.test('while the service runs, one command puts the demo data and the exercises back', async (t) => {
  const service = await startClass()
  const { call, signUp } = service
  const form = { username: DEMO_USERS[0]?.email ?? '', password: DEMO_PASSWORD }
  const logIn = async () => (await call('POST', '/login', { form })).body.access_token as string
  const student = await signUp('student@example.com')
  const json = { title: 'changed', content: 'by a class' }
  t.equal((await call('PUT', '/posts/1', { token: await logIn(), json })).status, 200)
  const originals = changeExercise('// the answer of a student\n')
  writeFile('my-notes.md', 'notes')
  writeFile('docs/chapters/05-creating-users/my-notes.md', 'notes')

  const { code, output } = await runClass(['--reset'])
  t.equal(code, 0, output)
  t.match(output, 'Only the demo data is in the database now. The service keeps running.')
  t.match(output, /Your files are kept in docs\/chapters\/05-creating-users\/\.backups\//)

  t.equal(service.child.exitCode, null)
  t.match(await call('GET', '/users/me', { token: student.token }), { status: 401 })
  const token = await logIn()
  const { body: posts } = await call('GET', '/posts?limit=100', { token })
  t.equal(posts[0].Post.title, TITLE)
  t.equal(posts.length, DEMO_POSTS.filter(({ published }) => published).length)
  t.notMatch(service.output(), /"level":[456]0/, 'no request failed')

  t.same(readExercise(), originals)
  const [backup = '', ...others] = readdirSync(join(checkout, BACKUPS))
  t.same(others, [])
  t.same(
    readdirSync(join(checkout, BACKUPS, backup)).sort(),
    [...Object.keys(originals), 'added.ts'].sort(),
    'the old files are kept',
  )
  t.equal(readFile(join(BACKUPS, backup, 'added.ts')), '// the answer of a student\n')
  for (const path of ['my-notes.md', 'docs/chapters/05-creating-users/my-notes.md'])
    t.equal(readFile(path), 'notes', 'files that belong to no exercise stay')

  t.match(await runClass(['--reset']), { code: 0 })
  t.same(readdirSync(join(checkout, BACKUPS)), [backup], 'an unchanged exercise gets no other backup')
  service.child.kill('SIGTERM')
  t.equal(await service.waitForExit(), 0)
})

t.test('a wrong option resets nothing', async (t) => {
  changeExercise('// kept\n')
  t.match(await runClass(['--rest']), { code: 1, output: /^Unknown option '--rest'/ })
  t.match(await runClass(['05', '--reset']), { code: 1, output: /^Expected one lesson or --reset/ })
  t.equal(readExercise()['added.ts'], '// kept\n')
})

t.test('a database of your own is not emptied', async (t) => {
  const url = await createMigratedDatabase(t)
  const knex = openKnex(url, 1)
  t.teardown(() => knex.destroy())
  await knex('users').insert({ email: 'kept@example.com', password: 'x' })
  const { code, output } = await runClass(['--reset'], { DATABASE_URL: url })
  t.equal(code, 1)
  t.match(output, /^DATABASE_URL is set, but reset deletes only the embedded Postgres\./)
  t.same(await knex('users').pluck('email'), ['kept@example.com'])
})
