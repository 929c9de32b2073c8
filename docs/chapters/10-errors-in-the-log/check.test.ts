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

await chapter(import.meta.url, async ({ load, check, atEnd }) => {
  const { start } = await load<typeof import('./solution/start.ts')>('start.ts')
  let lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const warnings: Error[] = []
  process.on('warning', (warning) => warnings.push(warning))
  let app: FastifyInstance | undefined
  let port = 0
  atEnd(() => app?.close())

  await check(
    'trapped',
    'a clean start logs where it listens, and no warning',
    [
      'Which line has a level above `info` (30), and which code writes it?',
      'A version number proves nothing. Let bcrypt compute a hash whose result you know.',
      'Delete `logBcryptVersion`, and call `await selfTest()` of `@auth-primer/auth-hash` instead.',
    ],
    async () => {
      app = await start({ port: 0, stream })
      port = (app.server.address() as AddressInfo).port
      assert.ok(
        lines.some((line) => line.includes('listening')),
        'No line of the log says where the service listens.',
      )
      const loud = [...lines.filter(isLoud).map(messageOf), ...warnings.map(String)]
      assert.ok(loud.length === 0, `The log has a warning or an error: ${loud[0]}`)
    },
  )

  await check(
    'goes-on',
    'a failed self-test stops the start and is reported',
    [
      'The check starts your service with its own `selfTest`, which rejects. What does your code do with it?',
      'Await it before the service listens, and let its error propagate out of `start`.',
      '`const { selfTest: test = selfTest } = options`, then `await test()` as the first line, without a `catch` around it.',
    ],
    async () => {
      await app?.close()
      const problem = 'the hash of a password of 72 bytes is not the known one'
      let reachable: boolean | undefined
      lines = []
      const { exit } = process
      process.exit = () => {
        throw new Error('`start` called `process.exit`. Let the error propagate instead.')
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
      assert.notEqual(reachable, undefined, 'The `selfTest` in the options was not called.')
      assert.equal(reachable, false, 'The service accepted connections before the self-test had finished.')
      assert.ok(error, 'The self-test failed, but `start` succeeded.')
      assert.equal(
        await isReachable(port),
        false,
        'The self-test failed, but the service accepts connections.',
      )
      assert.ok(
        (inspect(error) + lines).includes(problem),
        'Neither the error nor the log contains the message of the failed self-test.',
      )
    },
  )

  await check(
    'as-it-came',
    'the lines about a request contain no token, cookie or password',
    [
      'The line `what came` contains the headers and the body. Which of these are secrets?',
      'Fastify’s logger is pino. Its option `redact` takes the paths of the properties to hide.',
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
      assert.ok(
        lines.some((line) => line.includes('/login')) && lines.some((line) => line.includes('403')),
        'The log must still contain the path and the status of the request.',
      )
    },
  )

  await check(
    'exact-paths',
    'any other line contains none either: at the top, one level down and two levels down',
    [
      'The check logs `{ password }`, `{ user: { password } }` and `{ incoming: { body: { password } } }`. Which of these do your paths match?',
      'A path is exact: `password` is only the top, `*.password` is one level down, `*.*.password` is two. List all three for each of the five names.',
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
      assertSilent(lines)
      const ids = lines.filter((line) => line.includes('"id":7'))
      assert.equal(ids.length, 5, 'The user’s id next to a secret is not a secret. The log must contain it.')
    },
  )

  await check(
    'query',
    'a token in a query string is not logged, but the path is',
    [
      'Look at the line `incoming request`, which Fastify writes itself. Which property contains the token?',
      '`req.url` is one string, so no path can select a part of it. The serializer `req` decides what is logged of a request.',
      '`serializers: { req: ({ method, url }) => ({ method, url: url.replace(/\\?.*/, "") }) }`, next to `redact`.',
    ],
    async () => {
      lines = []
      await app?.inject({ url: '/', query: { access_token: SECRETS.access_token } })
      assertSilent(lines)
      assert.ok(
        lines.some((line) => /:"(?:GET )?\/["?]/.test(line)),
        'No line contains the path of the request.',
      )
    },
  )
})

function assertSilent(lines: readonly string[]): void {
  for (const [name, secret] of Object.entries(SECRETS)) {
    // The secret part of `Bearer …` and `session=…`.
    const found = lines.find((line) => line.includes(secret.split(/[ =]/).at(-1) as string))
    assert.ok(found === undefined, `This line contains the ${name}: ${found?.trim()}`)
  }
}

function isLoud(line: string): boolean {
  return (JSON.parse(line) as { level: number }).level >= WARN
}

function messageOf(line: string): string {
  return (JSON.parse(line) as { msg: string }).msg
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
