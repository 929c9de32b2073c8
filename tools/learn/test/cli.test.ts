import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import t from 'tap'

const CLI = resolve(import.meta.dirname, '../dist/cli.js')

/** Runs `npm run learn -- …` without npm. */
const learn = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
    execFile(
      process.execPath,
      [CLI, ...args],
      { env: { ...process.env, NODE_OPTIONS: '', ...env } },
      (error, stdout, stderr) => done({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })

t.jobs = 2

t.test('run --help shows the commands', async (t) => {
  t.match(await learn(['run', '--help']), { code: 0, stdout: /npm run learn -- check 05/, stderr: '' })
})

t.test('a folder that is not there is refused in a sentence', async (t) => {
  const { code, stderr } = await learn(['check', '07', '--attempt', 'nope'])
  t.equal(code, 1)
  t.match(stderr, /^There is no folder nope in .*\n$/)
})

t.test('a Postgres that does not answer is told, with the way out, and without its password', async (t) => {
  const { code, stderr } = await learn(['check', '05'], {
    TEST_POSTGRES_URL: undefined,
    DATABASE_URL: 'postgres://ada:tomatoes@127.0.0.1:1/x',
  })
  t.equal(code, 1)
  t.match(stderr, /DATABASE_URL does not answer.*`unset DATABASE_URL`/)
  t.notMatch(stderr, 'tomatoes')
})
