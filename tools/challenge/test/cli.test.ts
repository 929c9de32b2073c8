import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { startServer } from '../fixture/faults.ts'

const CHECKOUT = new URL('../../../', import.meta.url).pathname

async function challenge(...args: string[]) {
  const env = { ...process.env, NO_COLOR: '1' }
  const child = spawn('node', ['--import', 'tsx', 'tools/challenge/src/cli.ts', ...args], {
    cwd: CHECKOUT,
    env,
  })
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { stdout, stderr, code: await exit }
}

t.test('--help and list name what there is', async (t) => {
  t.match(await challenge('--help'), { code: 0, stdout: /--database <url>/ })
  t.match(await challenge('list'), {
    code: 0,
    stdout: /^01 The server answers\n.*\n21 Login attempts are limited\n$/s,
  })
})

for (const [title, args, message] of [
  ['no URL', [], /Give the URL of your server/],
  ['something that is not a URL', ['tomato'], /begins with http/],
  ['a URL of another kind', ['ftp://x.example'], /begins with http/],
  ['a URL with a path', ['http://127.0.0.1/posts'], /without a path/],
  ['a stage that does not exist', ['http://127.0.0.1', '--stage', '99'], /from 1 to 21/],
  ['four hints', ['http://127.0.0.1', '--hints', '4'], /from 0 to 3/],
  ['an unknown option', ['http://127.0.0.1', '--tomato'], /tomato/],
  ['two URLs and a command', ['http://127.0.0.1', 'http://127.0.0.2', '--command', 'x'], /one URL/],
] as const) {
  t.test(`${title} is an error of one line, with the way to the help`, async (t) => {
    const { code, stdout, stderr } = await challenge(...args)
    t.match({ code, stdout, stderr }, { code: 2, stdout: '', stderr: message })
    t.match(stderr, /npm run challenge -- --help/)
    t.notMatch(stderr, /\n +at /)
  })
}

t.test(
  'a failed check shows what was sent, received and expected and a hint, and ends the run',
  async (t) => {
    const server = await startServer({ faults: ['missing-title'] })
    t.teardown(() => server.close())
    const { code, stdout } = await challenge(server.url, '--hints', '2')
    t.equal(code, 1)
    t.match(stdout, /✓ 01 The server answers\n✗ 02 Input is validated\n/)
    t.match(
      stdout,
      /✗ a post without a title is rejected\n +sent: +POST \/posts, with a token, \{"content":"x"\}\n/,
    )
    t.match(stdout, /expected: status 400 or 422\n +actual: +201 .*\n +Hint 1: .*\n +Hint 2: .*\n/)
    t.notMatch(stdout, '03 Posts', 'later stages are not run')
    t.match(
      stdout,
      /█+░+ 1 of 21 stages\nNext: stage 02, .*\. Read docs\/build-your-own\/02-validates-input\.md\n/,
    )
  },
)

t.test('each failed check of a stage shows its details', async (t) => {
  const server = await startServer({ faults: ['missing-title', 'title-not-text'] })
  t.teardown(() => server.close())
  const { stdout } = await challenge(server.url, '--hints', '3')
  t.equal(
    stdout.match(/^ +sent: .*\n +expected: .*\n +actual: .*\n +Hint 1: .*\n +Hint 2: .*\n +Hint 3: /gm)
      ?.length,
    2,
  )
})

t.test(
  'a check that builds on another one says why it was not run, and its stage does not pass',
  async (t) => {
    const server = await startServer({ faults: ['wrong-password'] })
    t.teardown(() => server.close())
    const { stdout, code } = await challenge(server.url, '--stage', '9')
    t.equal(code, 1)
    t.match(
      stdout,
      /^\? 09 .*\n +\? an unknown email .*\n +not checked: This check needs a server that rejects a wrong password\. POST \/login: expected /m,
    )
    t.match(stdout, '0 of 1 stages')
  },
)

t.test('--json prints the results with the duration of each check', async (t) => {
  const server = await startServer({ faults: ['missing-title'] })
  t.teardown(() => server.close())
  const { stdout, code } = await challenge(server.url, '--json')
  t.equal(code, 1)
  const { stages, ...rest } = JSON.parse(stdout)
  t.same(rest, { url: server.url, passed: 1, total: 21 })
  t.match(stages[0], { number: '01', isPassed: true, durationMs: Number })
  t.match(stages[1].checks[0], {
    ...{ id: 'missing-title', state: 'failed', durationMs: Number, expected: 'status 400 or 422' },
    ...{ actual: /^201/, sent: 'POST /posts, with a token, {"content":"x"}' },
  })
})

t.test('no output contains a password or a token', async (t) => {
  const server = await startServer({
    faults: ['email-invalid', 'refresh-twice', 'accepts-altered', 'sign-up-shows-password'],
  })
  t.teardown(() => server.close())
  const { stdout } = await challenge(server.url, '--all')
  t.match(stdout, 'without an @')
  t.notMatch(stdout, /Tomatoes-[\w-]{8}/)
  t.notMatch(stdout, /eyJ\w{5}/)
})

t.test(
  'several URLs are a scoreboard, the server that is furthest first and one that hangs last',
  async (t) => {
    const faults = [[], ['post-edited'], ['vote-counted'], ['missing-title']]
    const servers = await Promise.all(faults.map((faults) => startServer({ faults })))
    const hanging = createServer(() => {})
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve))
    t.teardown(async () => {
      hanging.closeAllConnections()
      hanging.close()
      await Promise.all(servers.map((server) => server.close()))
    })
    const hosts = servers.map(({ url }) => new URL(url).host)
    const { port } = hanging.address() as AddressInfo
    const { code, stdout } = await challenge(`http://127.0.0.1:${port}`, ...servers.map(({ url }) => url))
    t.equal(code, 0)
    const lines = stdout.trim().split('\n').slice(-5)
    t.match(lines, [
      new RegExp(`^${hosts[0]}.*21 +done$`),
      new RegExp(`^${hosts[2]}.*14 +next: 15 `),
      new RegExp(`^${hosts[1]}.* 3 +next: 04 `),
      new RegExp(`^${hosts[3]}.* 1 +next: 02 `),
      new RegExp(`^127\\.0\\.0\\.1:${port}.* 0 +next: 01 The server answers \\(no response\\)$`),
    ])
    t.notMatch(stdout, '\x1b', 'a pipe gets no control characters')
  },
)
