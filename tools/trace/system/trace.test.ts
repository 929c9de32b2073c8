import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CHECKOUT } from '../../../test-support/process.ts'
import { report } from '../src/report.ts'
import { type Trace, trace } from '../src/trace.ts'

/** Returns the position of the first file whose path matches. */
function findPosition({ files }: Trace, pattern: RegExp): number {
  return files.findIndex(({ path }) => pattern.test(path))
}

t.test('a login executes the example, then auth-hash, then jwt-kit, in that order', async (t) => {
  const login = await trace(t, 'POST', '/login')
  t.equal(login.status, 200)
  const places = [
    findPosition(login, /^examples\/social-api\/.*login/),
    findPosition(login, /^packages\/auth-hash\/src\/bcrypt\.ts$/),
    findPosition(login, /^packages\/jwt-kit\/src\/sign\.ts$/),
  ]
  t.notOk(places.includes(-1), `each file was executed: ${places}`)
  t.same(
    places.toSorted((one, other) => one - other),
    places,
  )
  for (const { path, functions } of login.files) {
    t.ok(existsSync(join(CHECKOUT, path)), path)
    t.match(path, /\.ts$/, 'the source, not the compiled file')
    t.ok(functions.length > 0)
  }
  t.equal(findPosition(login, /node_modules|tools\/trace/), -1)

  const text = report('POST', '/login', login)
  t.match(text, /^POST \/login: 200, \d+ files, \d+ functions\n\nThe example: \d+ files/)
  t.match(text, /\nThe packages: \d+ files, \d+ functions\n +\d+ {2}packages\//)
})

t.test('a list executes neither the hash nor the login, but checks a token', async (t) => {
  const list = await trace(t, 'GET', '/posts?limit=3')
  t.equal(list.status, 200)
  t.equal(findPosition(list, /auth-hash|login/), -1)
  t.ok(findPosition(list, /^packages\/jwt-kit\/src\/verify\.ts$/) > 0)
  t.ok(
    findPosition(list, /^packages\/jwt-kit\/src\/verify\.ts$/) <
      findPosition(list, /^packages\/db-session\/src\/transaction\.ts$/),
    'before the database session sends anything',
  )
})

t.test('an operation with a unique value can be traced, although it runs several times', async (t) => {
  t.equal((await trace(t, 'POST', '/users')).status, 201)
})

t.test('a path that the service does not document is an error', async (t) => {
  await t.rejects(trace(t, 'GET', '/nothing'), { message: "The service's document has no GET /nothing" })
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', join(CHECKOUT, 'tools/trace/src/cli.ts'), 'login'],
    { encoding: 'utf8' },
  )
  t.equal(status, 1)
  t.match(stderr, /^Usage: npm run trace/)
})
