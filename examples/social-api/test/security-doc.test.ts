import { access, readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'
import { PROBLEMS } from '../src/problem.ts'
import { hasTest, readQuotes } from './named-tests.ts'

const CHECKOUT = resolve(import.meta.dirname, '../../..')
const EXPLANATION = join(CHECKOUT, 'docs/explanation')
const EXAMPLE = join(CHECKOUT, 'examples/social-api')

/** The number of requirements in each section of ASVS 5.0.0, by chapter. */
const ASVS: Record<number, number[]> = {
  4: [5, 5, 2, 4],
  6: [3, 12, 8, 6, 8, 4, 2, 4],
  7: [3, 4, 2, 5, 3, 2],
  8: [4, 4, 3, 2],
  9: [3, 4],
  14: [2, 8, 3],
}
const STATES = ['done', 'partly', 'not done', 'none here']

const page = await readFile(join(EXPLANATION, 'security.md'), 'utf8')
const rows = page
  .split('\n')
  .filter((line) => /^\| (v5|API)/.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )

t.test('security.md names only tests that exist', async (t) => {
  const { files, quotes } = readQuotes(page)
  t.ok(quotes.length > 100, `${quotes.length} tests`)
  for (const { label, name } of quotes) {
    const path = files.get(label)
    if (path === undefined) t.fail(`no file has the label ${label}`)
    else t.ok(hasTest(await readFile(join(EXPLANATION, path), 'utf8'), name), `${label}: ${name}`)
  }
  t.same(
    [...files.keys()].sort(),
    [...new Set(quotes.map(({ label }) => label))].sort(),
    'every file is used',
  )
})

t.test('hasTest() detects a missing test', async (t) => {
  const source = `const what = { long: 1 }
    t.test(
      'it’s so', f)
    t.test(\`a \${what} name\`, f)
    f('no test')`
  for (const name of ['it’s so', 'a long name']) t.ok(hasTest(source, name), name)
  for (const name of ['its so', 'it’s', 'a short name', 'long', 'no test'])
    t.notOk(hasTest(source, name), name)
})

t.test('each risk and each requirement has one row with its state in security.md', async (t) => {
  const found = rows.flatMap(([requirement = '']) => readIds(requirement))
  const risks = Array.from({ length: 10 }, (_, index) => `API${index + 1}`)
  const requirements = Object.entries(ASVS).flatMap(([chapter, sections]) =>
    sections.flatMap((count, index) => range(1, count).map((n) => `${chapter}.${index + 1}.${n}`)),
  )
  t.same(found.sort(), [...risks, ...requirements].sort())

  for (const cells of rows) {
    const name = cells[0] as string
    const [state = '', here = '', shown = ''] = cells.slice(name.startsWith('API') ? 1 : 3)
    t.ok(STATES.includes(state), `${name}: ${state}`)
    const needsProof = state === 'done' || state === 'partly'
    if (needsProof) t.match(shown, /“.+”|^No test/, `${name} names a test, or states that there is none`)
    if (state === 'partly') t.match(here, /\S/, `${name} states what is missing`)
  }
})

t.test('security.md lists exactly the level 1 requirements that are missing', async (t) => {
  const [sentence = ''] = /level 1, the least .+?\.\n/s.exec(page) ?? []
  const missing = rows.filter(
    ([, level, , state]) => level === '1' && /^(partly|not done)$/.test(state ?? ''),
  )
  t.same(
    sentence.match(/v5\.0\.0-[\d.]*\d/g),
    missing.map(([requirement]) => requirement),
  )
})

t.test('security.md names only codes and variables that exist', async (t) => {
  const config = await readFile(join(EXAMPLE, 'src/config.ts'), 'utf8')
  const variables = [...config.matchAll(/ read(?:Required)?\('([A-Z_]+)'/g)].map(([, name]) => name as string)
  t.ok(variables.includes('JWT_SECRET'))
  const named = [...page.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name]) => name as string)
  t.ok(named.length > 10)
  for (const name of named) t.ok(name in PROBLEMS || variables.includes(name), name)
})

t.test('every link in security.md leads to a file or heading', async (t) => {
  const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  )
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link as string)
  t.ok(links.length > 5)
  for (const link of links) {
    if (link.startsWith('#')) t.ok(anchors.includes(link.slice(1)), link)
    else await t.resolves(access(join(EXPLANATION, link)), link)
  }
})

t.test('the SQL in security.md ends a user’s access, and the user can log in again', async (t) => {
  const [, sql = ''] = /```sql[^\n]*\n(.+?)```/s.exec(page) ?? []
  const { app, call, signUp } = await serve(t)
  const [ann, bob] = [await signUp('ann@example.com'), await signUp('bob@example.com')]
  const form = { username: 'ann@example.com', password: 'a good password' }
  const { body: login } = await call('POST', '/login', { form })

  t.equal(sql.match(/= 7;/g)?.length, 2)
  await app.knex.raw(sql.replaceAll('= 7;', `= ${ann.id};`))
  for (const token of [ann.token, login.access_token])
    t.equal((await call('GET', '/users/me', { token })).status, 401)
  const { refresh_token } = login
  t.equal((await call('POST', '/token/refresh', { json: { refresh_token } })).status, 401)
  t.equal((await call('GET', '/users/me', { token: bob.token })).status, 200, 'other users are not affected')

  const again = await call('POST', '/login', { form })
  t.equal(again.status, 200)
  t.equal((await call('GET', '/users/me', { token: again.body.access_token })).status, 200)
})

t.test('no source of the service sends an HTTP request', async (t) => {
  const sends =
    /\bfetch\(|undici|axios|node:https|node:http2|import \{[^}]*\b(?:request|get)\b[^}]*\} from 'node:http'/
  t.match("import { request } from 'node:http'", sends)
  const names = (await readdir(EXAMPLE, { recursive: true })).filter((name) =>
    /^(src|platform)\/.*\.ts$/.test(name),
  )
  t.ok(names.length > 30)
  for (const name of names) {
    const source = await readFile(join(EXAMPLE, name), 'utf8')
    t.notMatch(source, sends, name)
  }
})

/** Returns the ids in a cell: `v5.0.0-4.3.1 to 2` means 4.3.1 and 4.3.2. */
function readIds(cell: string): string[] {
  const [, section, first, last = first] = /^v5\.0\.0-(\d+\.\d+)\.(\d+)(?: to (\d+))?$/.exec(cell) ?? []
  if (section === undefined) return [cell.replace(/:.*/, '')]
  return range(Number(first), Number(last)).map((n) => `${section}.${n}`)
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
