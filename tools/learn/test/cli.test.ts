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

t.test('an unknown command is rejected with the list of commands', async (t) => {
  for (const args of [['chekc'], ['check', '05', '06']])
    t.match(await learn(args), {
      code: 1,
      stdout: '',
      stderr: /^Unknown command: .*\n\n[\s\S]*npm run learn -- list/,
    })
  t.match(await learn(['reset']), {
    code: 1,
    stderr: /^Expected a chapter, such as `npm run learn -- reset 05`/,
  })
  t.match(await learn(['--nonsense']), { code: 1, stderr: /--nonsense[\s\S]*npm run learn -- --help/ })
})

t.test('list shows the chapters that are done, and the last one', async (t) => {
  const data = t.testdir({ 'learn.json': '{"chapter": "02"}' })
  const { stdout } = await learn(['list'], { AUTH_PRIMER_DATA_DIR: data })
  t.match(stdout, /^· 01 {2}Run, reload/)
  t.match(stdout, /^· 02 .* \(you are here\)$/m)
  t.match(stdout, /^0 of \d+ done\./m)
})

t.test('run sets the environment variables among the arguments, and passes on the others', async (t) => {
  const run = (...args: string[]) => learn(['run', '01', 'steps/levels.ts', ...args], { LOG_LEVEL: 'silent' })
  t.match(await run('LOG_LEVEL=debug'), { code: 0, stdout: /saying hello/ })
  t.same(await run('log_level=debug', '--LOG_LEVEL=debug'), { code: 0, stdout: '', stderr: '' })
})

t.test('files are not overwritten without consent', async (t) => {
  const { code, stdout, stderr } = await learn(['solution', '08'])
  t.equal(code, 1)
  t.match(stdout, 'createReasonFor', 'the solution is shown')
  t.match(stderr, /^Nothing has been changed, because there is no terminal to ask you in\. Use --yes/)
  t.match(await learn(['reset', '08', '--yes']), {
    code: 0,
    stdout: 'The exercise already has its original files.\n',
  })
})

t.test('a folder that does not exist is rejected in one sentence', async (t) => {
  const { code, stderr } = await learn(['check', '07', '--attempt', 'nope'])
  t.equal(code, 1)
  t.match(stderr, /^There is no folder nope in .*\n$/)
})

t.test('an unreachable Postgres is reported with a way out, and without its password', async (t) => {
  const { code, stderr } = await learn(['check', '05'], {
    TEST_POSTGRES_URL: undefined,
    DATABASE_URL: 'postgres://ada:tomatoes@127.0.0.1:1/x',
  })
  t.equal(code, 1)
  t.match(stderr, /Cannot connect to the Postgres server in DATABASE_URL .*`unset DATABASE_URL`/)
  t.notMatch(stderr, 'tomatoes')
})
