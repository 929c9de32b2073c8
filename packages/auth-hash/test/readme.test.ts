import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const blocks = Array.from(readme.matchAll(/^```js\n(.+?)^```$/gms), ([, code]) => code as string)

t.ok(blocks.length > 0, 'the README has code')

// It runs the package as built: what is covered of that says nothing of the sources.
const env = { ...process.env, _TAPJS_PROCESSINFO_COVERAGE_: '0' }

// Beside this package in the repository, so that its name is resolved to it as it is built.
const files = Object.fromEntries(blocks.map((code, index) => [`${index}.mjs`, code]))
const dir = t.testdir(files)

for (const [file, code] of Object.entries(files)) {
  const title = code.split('\n').find((line) => !line.startsWith('import') && line !== '') ?? ''
  t.test(`the README’s code prints what it says: ${title}`, async (t) => {
    const promised = Array.from(code.matchAll(/console\.log\(.+\) \/\/ (.+)$/gm), ([, output]) => output)
    t.ok(promised.length > 0)
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(dir, file)], { env })
    t.strictSame(stdout.trimEnd().split('\n'), promised)
    t.equal(stderr, '')
  })
}

t.test('the README lists every error code with its status, and no other', async (t) => {
  const { AuthHashError } = await import('../src/errors.ts')
  const source = readFileSync(new URL('../src/errors.ts', import.meta.url), 'utf8')
  const rows = Array.from(readme.matchAll(/^\| `(AUTH_HASH_\w+)` \| (\d+) \|/gm), ([, code, status]) => [
    code,
    status,
  ])
  t.strictSame(rows.map(([code]) => code).sort(), source.match(/(?<=\| ')AUTH_HASH_\w+/g)?.sort())
  for (const [code, status] of rows) {
    t.equal(String(new AuthHashError(code as never, '').statusCode), status, `${code}`)
  }
})

t.test('the README lists every reason of a verdict', async (t) => {
  const source = readFileSync(new URL('../src/hasher.ts', import.meta.url), 'utf8')
  const [type = ''] = /export type Reason =.*?\n\n/s.exec(source) ?? []
  const reasons = type.match(/(?<=\| ')[\w-]+/g) ?? []
  t.ok(reasons.length > 8)
  for (const reason of reasons) t.ok(readme.includes(`\`${reason}\``), reason)
})

t.test('every link of the README works on the registry’s page', async (t) => {
  const links = Array.from(readme.matchAll(/\]\(([^)]+)\)/g), ([, link]) => link as string)
  t.ok(links.length > 5)
  const anchors = Array.from(
    readme.matchAll(/^#+ (.+)$/gm),
    ([, heading = '']) =>
      `#${heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-')}`,
  )
  for (const link of links) {
    t.ok(link.startsWith('https://') || anchors.includes(link) || link === 'CHANGELOG.md', link)
  }
})

t.test('commands name the package with its scope', async (t) => {
  t.notMatch(readme, /npx (?!@auth-primer\/auth-hash)/)
})
