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

t.test('what is no command is refused, with those that are', async (t) => {
  for (const args of [['chekc'], ['check', '05', '06']])
    t.match(await learn(args), {
      code: 1,
      stdout: '',
      stderr: /^Not a command: .*\n\n[\s\S]*npm run learn -- list/,
    })
  t.match(await learn(['reset']), {
    code: 1,
    stderr: /^Expected a chapter, such as `npm run learn -- reset 05`/,
  })
  t.match(await learn(['--nonsense']), { code: 1, stderr: /--nonsense[\s\S]*npm run learn -- --help/ })
})

t.test('list says what is done, and where one is', async (t) => {
  const data = t.testdir({ 'learn.json': '{"chapter": "02"}' })
  const { stdout } = await learn(['list'], { AUTH_PRIMER_DATA_DIR: data })
  t.match(stdout, /^· 01 {2}Run, reload/)
  t.match(stdout, /^· 02 .* \(you are here\)$/m)
  t.match(stdout, '0 of 17 done.')
})

t.test('nobody’s files are written over without a yes', async (t) => {
  const { code, stdout, stderr } = await learn(['solution', '08'])
  t.equal(code, 1)
  t.match(stdout, 'createReasonFor', 'it is shown')
  t.match(stderr, /^Nothing has been changed: there is nobody to ask\. With --yes/)
  t.match(await learn(['reset', '08', '--yes']), { code: 0, stdout: 'The exercise is as it came.\n' })
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
