import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { clusterIn } from '../src/folder.ts'
import { attachPostgres } from '../src/index.ts'
import {
  attachProcess,
  dataDir,
  forgetRows,
  query,
  readRows,
  runToEnd,
  until,
  writeRow,
} from '../test/support.ts'

const tool = path.resolve(import.meta.dirname, '..')
const cli = path.join(tool, 'dist/cli.js')
const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = os.tmpdir()) =>
  runToEnd(process.execPath, [cli, ...args], { env, cwd })
const inDir = (dir: string) => ({ AUTH_PRIMER_DATA_DIR: dir })
const printEnv = [
  process.execPath,
  '-p',
  'JSON.stringify([process.env.DATABASE_URL, process.env.TEST_POSTGRES_URL, process.env.OTHER])',
]

// A stopped cluster, which the tests use one after the other.
const dir = await dataDir(t)
await (await attachPostgres({ dir, durable: false })).leave()

t.test('`start` keeps the server running until `stop`, from TypeScript and from the build', async (t) => {
  const fromSource = ['--import', import.meta.resolve('tsx'), path.join(tool, 'src/cli.ts')]
  const started = await runToEnd(process.execPath, [...fromSource, 'start'], { env: inDir(dir) })
  t.equal(started.code, 0)
  t.match(
    started.stdout,
    /listens on 127\.0\.0\.1:\d+\nIts URL is postgres:\S+\nIt keeps running until you run `npm run db:stop`\.\n$/,
  )
  const [, shownUrl = ''] = /Its URL is (\S+)/.exec(started.stdout) ?? []
  t.same(await query(shownUrl, 'select 1 as one'), [{ one: 1 }], 'the URL is complete')
  const user = await attachPostgres({ dir })
  t.equal(user.started, false)
  await writeRow(user.url, 'kept')

  const status = await run(['status'], inDir(dir))
  t.equal(status.code, 0)
  t.match(status.stdout, /^Postgres 18\.\d+ \(process \d+\) listens on 127\.0\.0\.1:\d+\n/)
  t.match(status.stdout, /Attached processes: 1; it keeps running until you run/)

  await user.leave()
  t.same(await readRows(user.url), ['kept'], 'the last process that left did not stop it')
  t.match(await run(['start'], inDir(dir)), {
    code: 0,
    stdout: `Its URL is ${shownUrl}\nIt was already running. It keeps running until you run \`npm run db:stop\`.\n`,
  })

  t.match(await run(['stop'], inDir(dir)), { code: 0, stdout: 'The embedded Postgres has stopped.\n' })
  t.match(await run(['stop'], inDir(dir)), { code: 0, stdout: 'The embedded Postgres is not running.\n' })
  t.match(await run(['status'], inDir(dir)), { code: 3, stdout: /is not running/ })
})

t.test('`stop` and `reset` are rejected while processes are attached, unless forced', async (t) => {
  const folder = clusterIn(dir)
  const users = [await attachProcess(dir), await attachProcess(dir)]
  await writeFile(folder.keepRunning, '')
  t.match(await run(['stop'], inDir(dir)), {
    code: 1,
    stdout: '',
    stderr: /^2 processes use the embedded Postgres\. .*--force/,
  })
  t.equal(await users[0]?.leave(), 0)
  t.match(await run(['reset'], inDir(dir)), { code: 1, stderr: /^1 process uses the embedded Postgres\./ })
  await writeRow(users[1]?.url ?? '', 'kept before force')
  t.match(await run(['stop', '--force'], inDir(dir)), { code: 0, stdout: /has stopped/ })
  t.notOk(existsSync(folder.pidFile))
  t.equal(await users[1]?.leave(), 0, 'an attached process can still leave')
  const again = await attachPostgres({ dir, durable: false })
  t.equal((await readRows(again.url)).includes('kept before force'), true)
  await again.leave()
})

t.test('after a rejected `stop`, the server stops when the last process leaves', async (t) => {
  const user = await attachProcess(dir)
  await writeFile(clusterIn(dir).keepRunning, '')
  t.equal((await run(['stop'], inDir(dir))).code, 1)
  t.equal(await user.leave(), 0)
  t.notOk(existsSync(clusterIn(dir).pidFile))
})

t.test('`show` and `psql` work while the server runs, and start it if it does not', async (t) => {
  const env = inDir(dir)
  const withPsql = { ...env, PATH: '/usr/bin:/bin' }
  const withoutPsql = { ...env, PATH: '' }
  const statement = ['psql', '--', '-c', 'select word from kept']
  const server = await attachPostgres({ dir, durable: false })
  await forgetRows(server.url)
  await writeRow(server.url, 'shown')
  for (const state of ['running', 'stopped']) {
    t.match(await run(['show'], env), { code: 0, stdout: /^ kept +\| +1$/m }, state)
    t.match(await run(['show', 'kept'], env), { code: 0, stdout: ' word\n-------\n shown\n(1 row)\n' }, state)
    t.match(
      await run(statement, withPsql),
      { code: 0, stdout: / word {2}\n-------\n shown\n\(1 row\)\n/ },
      state,
    )
    t.match(
      await run(statement, withoutPsql),
      { code: 0, stdout: ' word\n-------\n shown\n(1 row)\n' },
      state,
    )
    if (state === 'running') await server.leave()
    t.equal(existsSync(clusterIn(dir).pidFile), false, 'the server has stopped')
  }
  t.match(await run(['psql', '--', '--tuples-only', '-c', 'select 7', '-c', 'select 8'], withPsql), {
    code: 0,
    stdout: /^ +7\n\n +8\n/,
  })
  t.match(await run(['psql'], { ...withPsql, npm_config_call: 'select 7 as seven' }), { stdout: /seven/ })
})

t.test('`show` and `psql` use DATABASE_URL if it is set, and start nothing', async (t) => {
  const server = await attachPostgres({ dir, durable: false })
  t.teardown(() => server.leave())
  await forgetRows(server.url)
  await writeRow(server.url, 'elsewhere')
  const env = { ...inDir(path.join(dir, 'none')), DATABASE_URL: server.url }
  t.match(await run(['show', 'kept'], env), { code: 0, stdout: /elsewhere/, stderr: '' })
  t.match(await run(['psql', '--', '-c', 'select * from kept'], { ...env, PATH: '/usr/bin:/bin' }), {
    code: 0,
    stdout: /elsewhere/,
  })
  t.notOk(existsSync(path.join(dir, 'none')))
})

t.test('wrong input of `show` and `psql` gets one clear message, without a stack', async (t) => {
  const env = { ...inDir(dir), PATH: '' }
  const unreachable = { ...env, DATABASE_URL: 'postgres://ada:tomatoes@127.0.0.1:1/x' }
  for (const [args, ownEnv, message] of [
    [['show', 'userz'], env, /There is no table userz\. /],
    [['show', 'kept', 'many'], env, /^Expected a table and a number of rows/],
    [['show', 'kept', '1', '2'], env, /^Expected a table and a number of rows/],
    [['show', '--nonsense'], env, /'--nonsense'/],
    [['psql', '--', '-c', 'selct 1'], env, /Error: syntax error at or near "selct"\n$/],
    [['psql'], env, /^psql is not installed[\s\S]*db:psql -- -c/],
    [['show'], unreachable, /^Cannot connect to the database: .*\n$/],
    [['psql', '--', '-c', 'select 1'], unreachable, /^Cannot connect to the database: .*\n$/],
    [['psql', '--', '-c', 'select 1'], { ...unreachable, PATH: '/usr/bin:/bin' }, /refused/],
    [['psql'], { ...unreachable, DATABASE_URL: 'tomatoes', PATH: '/usr/bin:/bin' }, /^DATABASE_URL is not/],
  ] as const) {
    const { code, stdout, stderr } = await run(args, ownEnv)
    t.not(code, 0, args.join(' '))
    t.equal(stdout, '')
    t.match(stderr, message)
    t.notMatch(stderr, /\n {4}at |tomatoes/)
  }
})

t.test('`reset` deletes the cluster, and is rejected if DATABASE_URL is set', async (t) => {
  const dir = await dataDir(t)
  const folder = clusterIn(dir)
  const env = inDir(dir)
  const server = await attachPostgres({ dir, durable: false })
  await writeFile(folder.keepRunning, '')
  await server.leave()
  t.match(await run(['reset'], { ...env, DATABASE_URL: 'postgres://127.0.0.1/mine' }), {
    code: 1,
    stderr: /^DATABASE_URL is set/,
  })
  t.same(await query(server.url, 'select 1 as one'), [{ one: 1 }])
  t.match(await run(['reset'], env), { code: 0, stdout: /^Deleted the database cluster in / })
  await t.rejects(query(server.url, 'select 1'), { code: 'ECONNREFUSED' })
  t.same(await readdir(dir), [])
  t.match(await run(['reset'], env), { code: 0 }, 'even without a cluster')
})

t.test('`run` sets DATABASE_URL for a command, and exits like the command', async (t) => {
  const env = { ...inDir(dir), OTHER: 'kept' }
  const printed = await run(['run', '--', ...printEnv], env)
  t.equal(printed.code, 0)
  const [url, testUrl, other] = JSON.parse(printed.stdout)
  t.match(url, /^postgres:\/\/postgres:[\w-]{43}@127\.0\.0\.1:\d+\/auth_primer$/)
  t.same([testUrl, other], [null, 'kept'])
  t.notOk(existsSync(clusterIn(dir).pidFile), 'the server has stopped')
  t.match(await run(['run', '--', process.execPath, '-e', 'process.exit(7)'], env), { code: 7, signal: null })
  t.match(await run(['run', '--', process.execPath, '-e', 'process.kill(process.pid, "SIGKILL")'], env), {
    signal: 'SIGKILL',
  })
  t.match(await run(['run', '--', 'no-such-command'], { ...env, PATH: '/usr/bin:/bin' }), {
    code: 1,
    stderr: /\nno-such-command: command not found\n$/,
  })
  t.notOk(existsSync(clusterIn(dir).pidFile))
})

t.test(
  '`run` and `hold` start no server if DATABASE_URL is set, in the environment or in .env',
  async (t) => {
    const dir = await dataDir(t)
    const url = 'postgres://127.0.0.1/mine'
    for (const verb of ['run', 'hold']) {
      const { code, stdout } = await run([verb, '--', ...printEnv], { ...inDir(dir), DATABASE_URL: url })
      t.same([code, JSON.parse(stdout)[0]], [0, url], verb)
    }
    const cwd = await dataDir(t)
    await writeFile(path.join(cwd, '.env'), `DATABASE_URL=${url}\n`)
    const { code, stdout } = await run(['run', '--', ...printEnv], inDir(dir), cwd)
    t.same([code, JSON.parse(stdout)[0]], [0, url])
    t.same(await readdir(dir), [])
    t.match(await run(['reset'], inDir(dir), cwd), { code: 1, stderr: /^DATABASE_URL is set/ })
  },
)

t.test('`hold` keeps the server running for a command, and does not change its environment', async (t) => {
  const env = { ...inDir(dir), OTHER: 'kept' }
  const { child, line } = await runUntilLine(['hold', '--', process.execPath, '-e', WAITING], env)
  t.same(JSON.parse(line), [null, null, 'kept'])
  const first = await attachProcess(dir)
  t.equal(first.started, false)
  t.equal(await first.leave(), 0)
  const second = await attachProcess(dir)
  t.equal(second.url, first.url, 'the server kept running in between')
  t.equal(await second.leave(), 0)
  child.stdin?.end()
  t.same(await once(child, 'exit'), [5, null])
  t.notOk(existsSync(clusterIn(dir).pidFile))
})

t.test('signals are passed on to the command, and the server stops afterwards', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const graceful = await runUntilLine(['hold', '--', process.execPath, '-e', WAITING], inDir(dir))
    graceful.child.kill(signal)
    t.same(await once(graceful.child, 'exit'), [6, null], `${signal} handled by the command`)
    t.notOk(existsSync(clusterIn(dir).pidFile))
  }
  const abrupt = await runUntilLine(['run', '--', 'sh', '-c', 'echo ready; exec sleep 1000'], inDir(dir))
  abrupt.child.kill('SIGTERM')
  t.same(await once(abrupt.child, 'exit'), [null, 'SIGTERM'], 'exits like the command')
  t.notOk(existsSync(clusterIn(dir).pidFile))

  const slow = `
    process.on('SIGINT', () => setTimeout(() => process.exit(6), 300))
    process.stdin.resume()
    console.log('ready')
  `
  const group = await runUntilLine(['run', '--', process.execPath, '-e', slow], inDir(dir), {
    detached: true,
  })
  process.kill(-(group.child.pid ?? 0), 'SIGINT')
  t.same(
    await once(group.child, 'exit'),
    [6, null],
    'even if every process gets the signal, as from a terminal',
  )
  t.notOk(existsSync(clusterIn(dir).pidFile))
})

t.test(
  '`run --temporary` creates a new cluster each time and deletes it, even if it is interrupted',
  async (t) => {
    const TMPDIR = await mkdtemp(path.join(os.tmpdir(), 'auth-primer-test-'))
    t.teardown(() => rm(TMPDIR, { recursive: true, force: true }))
    const dir = await dataDir(t)
    const env = { ...inDir(dir), TMPDIR, DATABASE_URL: 'postgres://127.0.0.1/mine' }

    const killed = await runUntilLine(['run', '--temporary', '--', process.execPath, '-e', WAITING], env)
    t.same(await query(JSON.parse(killed.line)[1], 'show max_connections'), [{ max_connections: '200' }])
    killed.child.kill('SIGKILL')
    await once(killed.child, 'exit')
    killed.child.stdin?.end()
    const [left] = await readdir(TMPDIR)
    t.ok(left)

    const interrupted = await runUntilLine(['run', '--temporary', '--', process.execPath, '-e', WAITING], env)
    const [databaseUrl, url] = JSON.parse(interrupted.line)
    t.equal(databaseUrl, null)
    t.notMatch(await readdir(TMPDIR), [left], 'the cluster of the killed process is deleted')
    t.same(await query(url, 'select 1 as one'), [{ one: 1 }])
    interrupted.child.kill('SIGINT')
    t.same(await once(interrupted.child, 'exit'), [6, null])
    await t.rejects(query(url, 'select 1'), { code: 'ECONNREFUSED' })
    t.same(await readdir(TMPDIR), [])

    const early = spawn(process.execPath, [cli, 'run', '--temporary', '--', 'true'], {
      env: { ...process.env, ...env },
    })
    await until(async () => (await readdir(TMPDIR)).length > 0)
    early.kill('SIGTERM')
    t.same(await once(early, 'exit'), [null, 'SIGTERM'], 'interrupted before the command ran')
    t.same(await readdir(TMPDIR), [])

    t.same(await readdir(dir), [], 'the data folder is not changed')
  },
)

t.test('--help lists the commands, and an unknown command is rejected', async (t) => {
  t.match(await run(['--help']), { code: 0, stdout: /^The embedded Postgres of this checkout\.\n/ })
  for (const args of [
    [],
    ['nonsense'],
    ['start', 'extra'],
    ['stop', '--', 'command'],
    ['run', '--'],
    ['stop', '--nonsense'],
  ]) {
    const { code, stdout, stderr } = await run(args)
    t.same([code, stdout], [1, ''], args.join(' '))
    t.notMatch(stderr, /\n {4}at /, 'without a stack trace')
  }
})

/** Prints its environment, then exits with 5 when its standard input ends, or with 6 on a signal. */
const WAITING = `
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(6))
  process.stdin.resume().on('end', () => process.exit(5))
  console.log(JSON.stringify([process.env.DATABASE_URL, process.env.TEST_POSTGRES_URL, process.env.OTHER]))
`

async function runUntilLine(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  options: { detached?: boolean } = {},
): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [cli, ...args], {
    ...options,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return { child, line }
}
