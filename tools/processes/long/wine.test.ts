import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import t from 'tap'
import { CHECKOUT } from '../../../test-support/process.ts'
import { copyForWine, prepareWine } from '../../../test-support/wine.ts'

// Tests of packages and answers of chapters, with Node for Windows in Wine.

/**
 * The packages whose tests run here. A test file takes about 10 s in Wine, and the tests of db-session and the other tests of
 * jwt-kit have not been tried in it yet.
 */
const PACKAGES = {
  'auth-hash': /./,
  'jwt-kit':
    /^(registered|rfc7520|rfc9068|roca|schema|secrets|sensitive|sign|testing|types|verify|weak-key)\./,
  'jwt-remote': /^(errors|explain|fetch|guard|index|key-set|options|schedule|types|verify)\./,
}

/**
 * The chapters whose answers get their verdicts here. Chapter 01 runs scripts, and Wine cannot start the .cmd files of
 * node_modules/.bin. Chapter 16 needs nginx, and chapter 17 needs bash. The others have not been tried in Wine yet.
 */
const CHAPTERS = ['02', '03', '04', '04a', '05', '05a', '06', '07', '08', '09']

const wine = await prepareWine(t)
const cwd = await copyForWine(t)
const database = await createTestDatabase()
t.teardown(() => database.drop())

const run = (file: string, env: Record<string, string> = {}) =>
  wine.runNode(['--import', 'tsx', file], {
    cwd,
    env: { TEST_POSTGRES_URL: database.adminUrl, TAP_TIMEOUT: '800', ...env },
  })

for (const [name, pattern] of Object.entries(PACKAGES)) {
  const files = readdirSync(join(CHECKOUT, 'packages', name, 'test'))
  for (const file of files.filter((file) => file.endsWith('.test.ts') && pattern.test(file)))
    t.test(`on Windows, ${name}/test/${file} passes`, async (t) => {
      const { code, output } = await run(`packages/${name}/test/${file}`)
      t.equal(code, 0, 'it passes', { output: output.slice(-4_000) })
    })
}

for (const number of CHAPTERS)
  t.test(`on Windows, the answers of chapter ${number} get the same verdicts`, async (t) => {
    const { code, output } = await run('docs/test/chapters.test.ts', { CHAPTER: number })
    t.equal(code, 0, 'the verdicts are the same', { output: output.slice(-4_000) })
  })
