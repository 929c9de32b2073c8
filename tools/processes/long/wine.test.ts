import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import t from 'tap'
import { CHECKOUT } from '../../../test-support/process.ts'
import { copyForWine, prepareWine } from '../../../test-support/wine.ts'

// The tests of the packages and the answers of the chapters, with Node for Windows in Wine. A test file takes about 10 s.

/** The test files that do not run here, with the reason. */
const EXCLUDED_TESTS: Readonly<Record<string, string>> = {
  'db-session/test/deadline.test.ts': 'Wine takes longer than its deadlines of a tenth of a second',
  'jwt-kit/test/examples.test.ts':
    'its programs run without the loader that turns off TCP keep-alive, with which Wine 8 does not connect',
}

/** The chapters whose answers are not judged here, with the reason. */
const EXCLUDED_CHAPTERS: Readonly<Record<string, string>> = {
  '01': 'Wine 8 creates no links, and does not run esbuild, which `tsx watch` needs',
  '15': 'Wine takes longer than the check allows for a run of tests, and for the end of its process',
  '16': 'nginx, as the chapter uses it, runs only on Linux',
  '17': 'bash runs the steps of a job for Linux',
}

t.setTimeout(3 * 3_600_000)

const wine = await prepareWine(t)
const cwd = await copyForWine(t)
const database = await createTestDatabase()
t.teardown(() => database.drop())

const run = (file: string, env: Record<string, string> = {}) =>
  wine.runNode(['--import', 'tsx', file], {
    cwd,
    env: { TEST_POSTGRES_URL: database.adminUrl, TAP_TIMEOUT: '3600', ...env },
  })

const files = readdirSync(join(CHECKOUT, 'packages')).flatMap((name) =>
  readdirSync(join(CHECKOUT, 'packages', name, 'test'))
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => `${name}/test/${file}`),
)
for (const file of files)
  t.test(`on Windows, ${file} passes`, { skip: EXCLUDED_TESTS[file] ?? false }, async (t) => {
    const { code, output } = await run(`packages/${file}`)
    t.equal(code, 0, 'it passes', { output: output.slice(-4_000) })
  })

const chapters = readdirSync(join(CHECKOUT, 'docs/chapters')).flatMap(
  (name) => /^\d\d[a-z]?/.exec(name)?.[0] ?? [],
)
for (const number of chapters) {
  const skip = EXCLUDED_CHAPTERS[number] ?? false
  t.test(`on Windows, the answers of chapter ${number} get the same verdicts`, { skip }, async (t) => {
    const { code, output } = await run('docs/test/chapters.test.ts', { CHAPTER: number })
    t.equal(code, 0, 'the verdicts are the same', { output: output.slice(-4_000) })
  })
}

t.test('each exclusion is of a test or a chapter', async (t) => {
  for (const file of Object.keys(EXCLUDED_TESTS)) t.ok(files.includes(file), file)
  for (const number of Object.keys(EXCLUDED_CHAPTERS)) t.ok(chapters.includes(number), number)
})
