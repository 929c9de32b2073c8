import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { inspect } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { chapter } from '../../check/chapter.ts'

const SECRETS = {
  password: 'tomatoes in june',
  authorization: 'Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl',
  cookie: 'session=2b1f0c9a',
  access_token: 'eyJhbGciOiJIUzI1NiJ9.e30.YWNjZXNz',
  refresh_token: 'cmVmcmVzaA-7b1f',
}
const WARN = 40

await chapter(import.meta.url, async ({ load, check, expectation, atEnd }) => {
  const { start } = await load<typeof import('./solution/start.ts')>('start.ts')
  let lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const warnings: Error[] = []
  process.on('warning', (warning) => {
    // Fastify's word on options that a later version will not have: no matter of this chapter.
    if (!/Deprecation/.test(warning.name)) warnings.push(warning)
  })
  let app: FastifyInstance | undefined
  let port = 0
  atEnd(() => app?.close())

  const expectPath = () =>
    expectation(
      'no-path',
      [
        'What does your log contain about a request to `/login?access_token=…`?',
        'Only the query string can contain a secret, so log the path without it.',
        '`url.split("?")[0]` returns the path.',
      ],
      () =>
        assert.ok(
          lines.some((line) => line.includes('/login')),
          'No log line contains the request path.',
        ),
    )

  await check(
    'trapped',
    'a clean start logs the address that it listens on, and no warnings',
    [
      'Which log line has a level above `info` (30), and which code writes it?',
      'A version number proves nothing. Have bcrypt compute a hash that you already know.',
      'Delete `logBcryptVersion`, and call `await selfTest()` from `@auth-primer/auth-hash` instead.',
    ],
    async () => {
      app = await start({ port: 0, stream })
      port = (app.server.address() as AddressInfo).port
      const loud = [...lines.filter(isLoud).map(messageOf), ...warnings.map(String)]
      assert.ok(loud.length === 0, `The log contains a warning or an error: ${loud[0]}`)
      await expectation(
        'silenced',
        [
          'The log is empty, or nearly empty. What did you change in the logger?',
          'A higher `level` hides the warning, but it also hides everything else, including the next warning. Remove the cause instead.',
          'Leave `level` as it was, and delete `logBcryptVersion`. The service must log to `stream`.',
        ],
        () =>
          assert.ok(
            lines.some((line) => line.includes('listening') || line.includes(`:${port}`)),
            'No log line contains the address that the service listens on.',
          ),
      )
    },
  )

  await check(
    'goes-on',
    'a failed self-test keeps the service from starting, and is reported',
    [
      'The check starts your service with its own `selfTest`, which rejects. What does your code do with the error?',
      'Await the self-test before the service starts listening, and let its error propagate out of `start`.',
      '`const { selfTest: test = selfTest } = options`, then `await test()`, at the start of the function and without a `catch` around it.',
    ],
    async () => {
      await app?.close()
      const problem = 'the hash of a 72-byte password is wrong'
      let reachable: boolean | undefined
      lines = []
      const { exit } = process
      let exited = false
      process.exit = () => {
        exited = true
        throw new Error('`process.exit` was called.')
      }
      const starting = start({
        port,
        stream,
        selfTest: async () => {
          reachable = await isReachable(port)
          throw new Error(problem)
        },
      })
      const error = await starting.then(
        (app) => app.close().then(() => undefined),
        (error: unknown) => error,
      )
      process.exit = exit
      await expectation(
        'exits',
        [
          'Which line of your code ends the process? What might other code still need to do before that?',
          'A function that ends the process can’t be tested, and its caller can’t clean up. Let the error propagate instead.',
          'Delete `process.exit(1)` and the `catch` around it. Step 3 shows how to set the exit code.',
        ],
        () => assert.ok(!exited, '`start` called `process.exit` instead of rejecting.'),
      )
      await expectation(
        'own-self-test',
        [
          'The `selfTest` option is the function that tests bcrypt. Which function does your `start` call?',
          'Take `selfTest` from the options, and use the function from auth-hash only as the default.',
          '`const { selfTest: test = selfTest } = options`, then `await test()`.',
        ],
        () => assert.notEqual(reachable, undefined, 'The `selfTest` function in the options was not called.'),
      )
      await expectation(
        'listens-first',
        [
          'Does your `start` listen first or test first?',
          'A client that connects before the test has finished could sign up, and its password would be stored as a worthless hash. Test first.',
          'Move `await test()` above `app.listen(…)`. The best place is the first line of `start`.',
        ],
        () =>
          assert.equal(
            reachable,
            false,
            'The service accepted connections before the self-test had finished.',
          ),
      )
      assert.ok(error, 'The self-test failed, but `start` succeeded.')
      assert.equal(
        await isReachable(port),
        false,
        'The self-test failed, but the service accepts connections.',
      )
      await expectation(
        'without-reason',
        [
          'An operator reads your error. Does it say what’s wrong with bcrypt?',
          'Let the self-test’s error propagate, or pass it on as the `cause` of your own error.',
          "Write `throw new Error('The service was not started', { cause: error })`, or remove the `catch`.",
        ],
        () =>
          assert.ok(
            (inspect(error) + lines).includes(problem),
            'Neither the error nor the log contains the failed self-test’s message.',
          ),
      )
    },
  )

  await check(
    'as-it-came',
    'the log lines for a request contain no token, cookie or password',
    [
      'The log line `what came` contains the headers and the body. Which of their values are secrets?',
      'Fastify’s logger is pino. Its `redact` option takes the paths of the properties to hide.',
      '`Fastify({ logger: { stream, redact: ["*.password", "*.authorization", "*.cookie"] } })`: `*` stands for any name, one level deep.',
    ],
    async () => {
      app = await start({ port: 0, stream })
      lines = []
      await app.inject({
        method: 'POST',
        url: '/login',
        headers: { authorization: SECRETS.authorization, cookie: SECRETS.cookie },
        body: { username: 'ada@example.com', password: SECRETS.password },
      })
      assertSilent(lines)
      await expectation(
        'no-request-lines',
        [
          'Which lines did Fastify log for a request before you changed the exercise? Which ones does it log now?',
          'A log without secrets still has to say what happened: which path was requested, and what status was returned.',
          'Remove `disableRequestLogging`, or log `{ path, statusCode }` in your own `onResponse` hook.',
        ],
        () =>
          assert.ok(
            lines.some((line) => line.includes('403')),
            'The log does not contain the response status.',
          ),
      )
      await expectPath()
    },
  )

  await check(
    'exact-paths',
    'no other log line contains a secret, whether at the top level, one level down or two levels down',
    [
      'The check logs `{ password }`, `{ user: { password } }` and `{ incoming: { body: { password } } }`. Which of these do your paths match?',
      'A path is exact: `password` matches only the top level, `*.password` matches one level down, and `*.*.password` matches two levels down. List all three for each of the five names.',
      '`redact: SECRETS.flatMap((name) => [name, "*." + name, "*.*." + name])`, with the five names in `SECRETS`.',
    ],
    async () => {
      lines = []
      for (const [name, secret] of Object.entries(SECRETS)) {
        for (const line of [
          { [name]: secret },
          { user: { id: 7, [name]: secret } },
          { incoming: { body: { [name]: secret } } },
        ]) {
          app?.log.info(line, 'in a hurry')
        }
      }
      await expectation(
        'hides-too-much',
        [
          'The check logs `{ user: { id: 7, password } }`. What is left of `user` in your log?',
          'Hide only the five properties, by name, and not everything around them. People who read the log need the rest.',
          'Delete the `redact` paths that end in `*`, such as `*` or `*.*`. `*.password` hides only the password.',
        ],
        () => {
          const ids = lines.filter((line) => line.includes('"id":7'))
          assert.equal(
            ids.length,
            5,
            'The user’s ID is not a secret, so the log must contain it, even on the same line as a secret.',
          )
        },
      )
      assertSilent(lines)
    },
  )

  await check(
    'query',
    'a token in a query string is not logged, but the path is',
    [
      'Look at the log line `incoming request`, which Fastify itself writes. Which property contains the token?',
      '`req.url` is a single string, so a path can’t select part of it. The `req` serializer decides what is logged about a request.',
      '`serializers: { req: ({ method, url }) => ({ method, url: url.replace(/\\?.*/, "") }) }`, in addition to `redact`.',
    ],
    async () => {
      lines = []
      for (const name of ['access_token', 'refresh_token'] as const)
        await app?.inject({ method: 'POST', url: '/login', query: { [name]: SECRETS[name] } })
      assertSilent(lines)
      await expectPath()
    },
  )
})

function assertSilent(lines: readonly string[]): void {
  for (const [name, secret] of Object.entries(SECRETS)) {
    // The secret part of `Bearer …` and `session=…`.
    const found = lines.find((line) => line.includes(secret.split(/[ =]/).at(-1) as string))
    assert.ok(found === undefined, `This log line contains the ${name}: ${found?.trim()}`)
  }
}

/** Some loggers write a level as a number, others by its name. */
function isLoud(line: string): boolean {
  const { level } = readLine(line)
  return typeof level === 'number' ? level >= WARN : /warn|error|fatal/i.test(String(level))
}

function messageOf(line: string): string {
  return readLine(line).msg ?? line.trim()
}

/** Returns the members of a line, or none if the line is not JSON. */
function readLine(line: string): { level?: unknown; msg?: string } {
  try {
    return JSON.parse(line)
  } catch {
    return { level: line }
  }
}

async function isReachable(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
