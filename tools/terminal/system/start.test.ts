import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stopPostgres } from '@auth-primer/tool-postgres'
import t, { type Test } from 'tap'
import { CHECKOUT, run } from '../../../test-support/process.ts'
import { Terminal } from '../../learn/system/terminal.ts'

const dir = await mkdtemp(join(tmpdir(), 'start-'))
t.teardown(async () => {
  await stopPostgres({ dir, force: true })
  await rm(dir, { recursive: true, force: true })
})
const hasNetwork = Object.values(networkInterfaces()).some((all = []) =>
  all.some(({ internal }) => !internal),
)
const CLASS = resolve(import.meta.dirname, '../dist/cli.js')

/** Starts the built service in a terminal, and waits until it is ready. */
async function start(t: Test, columns: number, args = '', env: Record<string, string> = {}) {
  const site = { AUTH_PRIMER_DATA_DIR: dir, AUTH_PRIMER_SITE_DIR: join(dir, 'site') }
  const { PREPARE: prepare = '', PROGRAM, ...variables } = env
  const program = PROGRAM ?? 'examples/social-api/dist/src/server.js'
  const terminal = await Terminal.open(
    `unset DATABASE_URL TEST_POSTGRES_URL; ${prepare} node ${program} ${args}`,
    {
      cwd: CHECKOUT,
      env: { ...site, PORT: '0', NODE_OPTIONS: '', ...variables },
      columns,
      rows: 50,
    },
  )
  t.teardown(() => terminal.close())
  const screen = await terminal.waitFor('Ctrl-C')
  const [, url = ''] = /ready at (\S+)/.exec(screen) ?? []
  return { terminal, screen, url }
}

async function stop(t: Test, terminal: Terminal): Promise<void> {
  await terminal.press('C-c')
  t.notMatch(await terminal.waitFor('exit code 0'), /\n {4}at /)
}

t.test('the greeting has at most ten lines, and requests do not push it away', async (t) => {
  const { terminal, screen, url } = await start(t, 80)
  const lines = screen.trim().split('\n')
  t.ok(lines.length <= 10, screen)
  t.match(screen, new RegExp(`^social-api is ready at ${url}$`, 'm'))
  for (const path of ['/docs', '/guide', '/xray?key=']) t.ok(screen.includes(`  ${url}${path}`), path)
  t.match(screen, /Log in as +maya@example\.com, password tomatoes in june/)
  t.match(screen, /Data +\S+/)
  t.notMatch(screen, /Network|█|Join/)

  for (const path of ['/', '/docs', '/posts', '/nothing']) await fetch(url + path)
  t.equal(await terminal.text(), screen, 'nothing was printed')
  await stop(t, terminal)
})

t.test('with LOG_LEVEL=info, each request is a line below the greeting', async (t) => {
  const { terminal, url } = await start(t, 120, '', { LOG_LEVEL: 'info' })
  await fetch(`${url}/posts`)
  const screen = await terminal.waitFor(/GET \/posts 401 NOT_AUTHENTICATED \d+ ms/)
  t.match(screen, /Ctrl-C[\s\S]*\nGET \/posts/)
  await stop(t, terminal)
})

t.test(
  '`npm run class` prints the address to join and a QR code',
  { skip: !hasNetwork && 'no network' },
  async (t) => {
    const { terminal, screen, url } = await start(t, 60, '', { PROGRAM: CLASS })
    const [, join = ''] = /Join +(\S+)/.exec(screen) ?? []
    t.equal((await fetch(`${join}/health`)).status, 200)
    t.equal(new URL(url).hostname, '127.0.0.1')
    t.match(screen, /[█▀▄]{10}/)
    const [, key = ''] = /key=([\w-\s]+?)\n +[A-Z]/.exec(screen) ?? []
    const page = `/xray?key=${key.replaceAll(/\s/g, '')}`
    t.equal((await fetch(url + page)).status, 200, 'on this computer')
    t.equal((await fetch(join + page)).status, 404, 'on the network')
    t.equal((await fetch(`${url}/xray`)).status, 404, 'without the key')
    await stop(t, terminal)
  },
)

t.test('`npm run class -- 5` opens the presenter’s view of the lesson', async (t) => {
  const bin = t.testdir({ 'xdg-open': '#!/bin/sh\necho "$1" >"$OPENED"\n' })
  await chmod(join(bin, 'xdg-open'), 0o755)
  const OPENED = join(bin, 'opened')
  // A login shell sets PATH itself, and tmux sets DISPLAY.
  const env = { PROGRAM: CLASS, OPENED, PREPARE: `export DISPLAY=:9 PATH='${bin}':$PATH;` }
  const { terminal, screen, url } = await start(t, 80, '5', env)
  const presenter = `${url}/guide/class/05`
  t.match(screen, `  Presenter  ${presenter}\n`)
  t.match(screen, /Task +\S+\/guide\/class\/05-task\n/)
  // Until the guide is built, each of its pages is a 503 that loads again.
  for (const path of ['', '-task']) t.match((await fetch(presenter + path)).status, /^(200|503)$/)
  while (!existsSync(OPENED)) await sleep(20)
  await stop(t, terminal)
  t.equal(await readFile(OPENED, 'utf8'), `${presenter}\n`)
})

t.test('`npm run class` rejects what it does not know, with one message', async (t) => {
  for (const [args, message] of [
    [['99'], /^There is no such lesson\. The lessons: 01, 02, .*05a, .*18\n$/],
    [['05', '06'], /^Expected one lesson or --reset\n/],
    [['--nonsense'], /^Unknown option '--nonsense'/],
  ] as const) {
    const { waitForExit, output } = run(t, [process.execPath, CLASS, ...args])
    t.equal(await waitForExit(), 1)
    t.match(output(), message)
    t.notMatch(output(), /\n {4}at /)
  }
  const help = run(t, [process.execPath, CLASS, '--help'])
  t.equal(await help.waitForExit(), 0)
  t.match(help.output(), /npm run class -- --reset/)
})
