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

await chapter(import.meta.url, async ({ load, claim, atEnd }) => {
  const { start } = await load<typeof import('./solution/start.ts')>('start.ts')
  let lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const warnings: Error[] = []
  process.on('warning', (warning) => warnings.push(warning))
  let app: FastifyInstance | undefined
  let port = 0
  atEnd(() => app?.close())

  await claim(
    'trapped',
    'a clean start says where it listens, and nothing louder',
    [
      'Which line is louder than `info` (level 30), and who writes it?',
      'The version that a library says of itself proves nothing. Let bcrypt compute something whose result is known.',
      'Delete `sayBcryptsVersion`, and call `await selfTest()` of `@auth-primer/auth-hash` in its place.',
    ],
    async () => {
      app = await start({ port: 0, stream })
      port = (app.server.address() as AddressInfo).port
      assert.ok(
        lines.some((line) => line.includes('listening')),
        'No line says where it listens.',
      )
      const loud = [...lines.filter(isLoud).map(messageOf), ...warnings.map(String)]
      assert.ok(loud.length === 0, `This is a warning or an error: ${loud[0]}`)
    },
  )

  await claim(
    'goes-on',
    'a self-test that fails stops the start, and says why',
    [
      'The check starts your service with a `selfTest` of its own, one that rejects. What do you do with it?',
      'Wait for it before anything listens, and let what it throws leave `start`.',
      '`const { selfTest: test = selfTest } = options`, then `await test()` as the first line, without a `catch`.',
    ],
    async () => {
      await app?.close()
      const problem = 'the known answer for a password of 72 bytes came out otherwise'
      let reachable: boolean | undefined
      lines = []
      const { exit } = process
      process.exit = () => {
        throw new Error('`start` has called `process.exit`')
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
      assert.notEqual(reachable, undefined, 'The `selfTest` of the options was not called.')
      assert.equal(reachable, false, 'It could be reached before the test was over.')
      assert.ok(error, 'It was started all the same.')
      assert.equal(await isReachable(port), false, 'It can be reached, though it was not started.')
      assert.ok((inspect(error) + lines).includes(problem), 'Neither the error nor the log says why.')
    },
  )

  await claim(
    'as-it-came',
    'the lines of a request show neither token, nor cookie, nor password',
    [
      'The line `what came` shows the headers and the body. What of them is a secret?',
      'Fastify’s logger is pino: its option `redact` is given the paths of members that are not to be shown.',
      '`Fastify({ logger: { stream, redact: ["*.password", "*.authorization", "*.cookie"] } })`: `*` is one level of any name.',
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
        'The log is to say which path was asked for, and with which status it was answered.',
      )
    },
  )

  await claim(
    'exact-paths',
    'a line that is written in a hurry shows none either, at the top and one and two levels down',
    [
      'The check logs `{ password }`, `{ user: { password } }` and `{ incoming: { body: { password } } }`. Which of them do your paths reach?',
      'A path is exact: `password` is the top alone, `*.password` one level down, `*.*.password` two. List all for each of the five names.',
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
      assert.equal(ids.length, 5, 'What stands beside a secret is none: the user’s id is to be seen.')
    },
  )

  await claim(
    'query',
    'a token in the query of a URL is not in the log, and the path is',
    [
      'Look at the line `incoming request`, which Fastify writes by itself. Which member has the token?',
      '`req.url` is one string, so no path leads to its end. The serializer `req` says what is shown of a request.',
      '`serializers: { req: ({ method, url }) => ({ method, url: url.replace(/\\?.*/, "") }) }` beside `redact`.',
    ],
    async () => {
      lines = []
      await app?.inject({ url: '/', query: { access_token: SECRETS.access_token } })
      assertSilent(lines)
      assert.ok(
        lines.some((line) => /:"\/["?]/.test(line)),
        'The path is to be seen.',
      )
    },
  )
})

function assertSilent(lines: readonly string[]): void {
  for (const [name, secret] of Object.entries(SECRETS)) {
    // Of `Bearer …` and `session=…`, what stands behind.
    const found = lines.find((line) => line.includes(secret.split(/[ =]/).at(-1) as string))
    assert.ok(found === undefined, `This line shows the ${name}: ${found?.trim()}`)
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
