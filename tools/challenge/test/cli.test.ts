import { spawn } from 'node:child_process'
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
    t.match(stdout, /received: +201 .*\n +expected: status 400 or 422\n +Hint 1: .*\n +Hint 2: .*\n/)
    t.notMatch(stdout, '03 Posts', 'later stages are not run')
    t.match(
      stdout,
      /█+░+ 1 of 21 stages\nNext: stage 02, .*\. Read docs\/build-your-own\/02-validates-input\.md\n/,
    )
  },
)

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

t.test('several URLs are a scoreboard, the server that is furthest first', async (t) => {
  const [good, weak] = [await startServer({}), await startServer({ faults: ['post-edited'] })]
  t.teardown(() => Promise.all([good.close(), weak.close()]))
  const { code, stdout } = await challenge(weak.url, good.url)
  t.equal(code, 0)
  const lines = stdout.trim().split('\n').slice(-2)
  t.match(lines[0], new RegExp(`^${new URL(good.url).host}.*21 +done$`))
  t.match(lines[1], new RegExp(`^${new URL(weak.url).host}.* 3 +next: 04 `))
})
