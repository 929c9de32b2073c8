import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import t, { type Test } from 'tap'
import { CHECKOUT, LISTENS } from '../../../test-support/process.ts'
import { copyForWine, prepareWine } from '../../../test-support/wine.ts'

// Node for Windows, in Wine, with a Postgres of this system: Wine 8 does not run the one for Windows.
const wine = await prepareWine(t)
const { scripts } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8'))
/** The guide is built by another program, which needs esbuild, and Wine does not run that. */
const START: string = scripts.start.replace(' --build-guide', '')

interface Service {
  readonly child: ChildProcess
  waitForOutput(pattern: RegExp): Promise<string>
  /** Waits until no process of the service is left. */
  waitForEnd(): Promise<void>
}

/** Starts a command in Wine, which prints to a file. */
async function startService(t: Test, command: string, ...args: string[]): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), 'wine '))
  const file = join(folder, 'output')
  const output = openSync(file, 'w')
  const database = await createTestDatabase()
  // Without tap's NODE_OPTIONS, which name files of this system.
  const child = spawn('env', ['-u', 'NODE_OPTIONS', command, ...args], {
    cwd: CHECKOUT,
    env: {
      ...wine.env,
      PORT: '0',
      DATABASE_URL: database.url,
      AUTH_PRIMER_DATA_DIR: folder,
      LOG_LEVEL: 'info',
    },
    stdio: ['pipe', output, output],
    detached: true,
  })
  closeSync(output)
  t.teardown(async () => {
    for (const pid of listProcesses(folder)) process.kill(pid, 'SIGKILL')
    await database.drop()
    rmSync(folder, { recursive: true })
  })
  return {
    child,
    async waitForEnd() {
      while (listProcesses(folder).length > 0) await sleep(50)
    },
    async waitForOutput(pattern) {
      for (;;) {
        const [whole, group] = pattern.exec(readFileSync(file, 'utf8')) ?? []
        if (whole) return group ?? whole
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`It ended before it printed ${pattern}:\n${readFileSync(file, 'utf8')}`)
        await sleep(50)
      }
    },
  }
}

/** Returns the processes of the service with this data folder. Wine shows them to this system. */
function listProcesses(folder: string): number[] {
  const read = (pid: string, name: string) => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0')
    } catch {
      // It has ended.
      return []
    }
  }
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && read(pid, 'environ').includes(`AUTH_PRIMER_DATA_DIR=${folder}`))
    .filter((pid) => read(pid, 'cmdline').some((argument) => argument.includes('server.js')))
    .map(Number)
}

/** Signs up, logs in, writes a post and votes for it. Returns the statuses. */
async function visit(url: string): Promise<number[]> {
  const email = 'ada@example.com'
  const password = randomBytes(12).toString('hex')
  const send = (path: string, body: unknown, token?: string) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    })
  const signUp = await send('/users', { email, password })
  const login = await fetch(`${url}/login`, {
    method: 'POST',
    body: new URLSearchParams({ username: email, password }),
  })
  const { access_token: token } = (await login.json()) as { access_token: string }
  const post = await send('/posts', { title: 'From Windows', content: 'or nearly' }, token)
  const { id } = (await post.json()) as { id: number }
  const vote = await send('/vote', { post_id: id, dir: 1 }, token)
  return [signUp, login, post, vote].map(({ status }) => status)
}

t.test('on Windows, `npm start` serves requests, and its service ends with cmd.exe', async (t) => {
  // npm runs a script in this way.
  const service = await startService(t, 'wine', 'cmd.exe', '/d', '/s', '/c', START)
  t.same(await visit(await service.waitForOutput(LISTENS)), [201, 200, 201, 201])
  // The kill of a process on Windows runs no handler in it.
  service.child.kill('SIGKILL')
  // The service outlives cmd.exe, so its last line comes later.
  await service.waitForEnd()
  await service.waitForOutput(/SIGTERM: stopping/)
})

t.test('on Windows, Ctrl-C in the console stops the service', async (t) => {
  // `script` opens a terminal.
  const service = await startService(t, 'script', '-qefc', `wine ${START}`, '/dev/null')
  await service.waitForOutput(LISTENS)
  service.child.stdin?.write('\x03')
  await service.waitForOutput(/SIGINT: stopping/)
  await service.waitForEnd()
})

t.test('on Windows, `npm run learn -- check` judges a right and a wrong answer', async (t) => {
  const cwd = await copyForWine(t)
  const [, ...learn]: string[] = scripts.learn.split(' ')
  const database = await createTestDatabase()
  t.teardown(() => database.drop())
  const env = { DATABASE_URL: database.adminUrl }
  const check = (attempt: string) =>
    wine.runNode([...learn, 'check', '05', '--attempt', attempt], { cwd, env })
  t.match(await check('solution'), { code: 0, output: /^05 · .*\n(✓ .*\n){4}\nDone: all checks pass\.\n$/ })
  t.match(await check('bad/plain-text'), { code: 1, output: /^✗ the table has a bcrypt hash/m })
})
