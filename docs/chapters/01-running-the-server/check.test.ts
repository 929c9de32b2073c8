import assert from 'node:assert/strict'
import { appendFile, cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chapter } from '../../check/chapter.ts'
import { freePort, startProgram } from '../../check/program.ts'

const NODE_MODULES = resolve(import.meta.dirname, '../../../node_modules')

/** Matches a line of each level: with a number or a label, or as pino-pretty prints it. */
const LINES = { debug: /"level":(?:20\b|"debug")|\bDEBUG\b/, info: /"level":(?:30\b|"info")|\bINFO\b/ }

await chapter(import.meta.url, async ({ file, check, atEnd }) => {
  // A copy, because the check changes one of its files.
  const copy = await mkdtemp(join(tmpdir(), 'chapter-01-'))
  atEnd(() => rm(copy, { recursive: true }))
  await cp(file('.'), copy, { recursive: true })
  await symlink(NODE_MODULES, join(copy, 'node_modules'))

  /** Runs a script of package.json on a free port. */
  const start = async (script: string, LOG_LEVEL?: string) => {
    const port = await freePort()
    const env = { PORT: `${port}`, LOG_LEVEL }
    const program = await startProgram(['npm', 'run', '--silent', script], { cwd: copy, env })
    atEnd(program.end)
    return { program, url: `http://127.0.0.1:${port}/` }
  }

  /** Returns what `npm start` responds and logs at a level. */
  const visit = async (level?: string) => {
    const { program, url } = await start('start', level)
    const response = await program.waitForResponse(url)
    const body = await response.text()
    // The logger writes asynchronously. Lines that are not written yet are lost with the process.
    await program.waitForOutput(/request completed/, 2_000).catch(() => {})
    await program.end()
    return { status: response.status, body, printed: program.output() }
  }
  const visits = [visit(), visit('debug')] as const
  for (const one of visits) one.catch(() => {})
  atEnd(() => Promise.allSettled(visits))

  await check(
    'no-answer',
    '`npm start` serves `GET /`, which returns a message',
    [
      'Does the server have a route for the path `/`? Run `npm start` in `exercise/`, and send a request with curl.',
      'Declare a route before `app.listen`: a method, a path, and a function that returns the response.',
      "`app.get('/', async () => ({ message: 'Hello World' }))`.",
    ],
    async () => {
      const { status, body } = await visits[0]
      assert.equal(status, 200, `\`GET /\` must respond with status 200. The response was: ${body}`)
      assert.ok(messageOf(body), `The response must be a JSON object with a \`message\`. It was: ${body}`)
    },
  )

  await check(
    'always-debug',
    'without LOG_LEVEL, a request is logged at info and nothing at debug',
    [
      'Run `npm start` and send a request with curl. Which `level` do the lines have? 20 is debug, 30 is info.',
      'The level belongs in the environment, not in the code. Read LOG_LEVEL, and use info as the default.',
      "`const { LOG_LEVEL = 'info' } = process.env`, then `Fastify({ logger: { level: LOG_LEVEL } })`.",
    ],
    async () => {
      const { printed } = await visits[0]
      assert.ok(
        LINES.info.test(printed),
        'The server logged nothing at level info (30). It needs a logger with the default level info.',
      )
      assert.ok(
        !LINES.debug.test(printed),
        'The server logged at level debug (20) although LOG_LEVEL is not set.',
      )
    },
  )

  await check(
    'never-debug',
    'with LOG_LEVEL=debug, a request logs a line at debug',
    [
      'Run `LOG_LEVEL=debug npm start` and send a request with curl. Is there a line with level 20?',
      'You need two things: a logger that takes its level from LOG_LEVEL, and a route that logs a line at debug.',
      'Use `{ logger: { level: LOG_LEVEL } }`, and `request.log.debug(…)` in the route. `console.log` has no levels.',
    ],
    async () => {
      const { printed } = await visits[1]
      assert.ok(
        LINES.debug.test(printed),
        'With LOG_LEVEL=debug, the server logged nothing at level debug (20).',
      )
    },
  )

  let dev: Awaited<ReturnType<typeof start>>
  let startMs: number

  await check(
    'dev-is-quiet',
    '`npm run dev` logs at debug',
    [
      'Which LOG_LEVEL does the script `dev` in package.json set?',
      'A variable before a command is set for that command only: `NAME=value command`.',
      '`"dev": "LOG_LEVEL=debug …"` in package.json.',
    ],
    async () => {
      const startedAt = performance.now()
      dev = await start('dev')
      await dev.program.waitForResponse(dev.url)
      startMs = performance.now() - startedAt
      await dev.program.waitForOutput(LINES.debug, 2_000)
    },
  )

  await check(
    'no-restart',
    'saving a file restarts `npm run dev`',
    [
      'Run `npm run dev` in `exercise/` and save server.ts. Does the log say once more that the server is listening?',
      'Something has to watch the files and restart the program. `tsx` can do that.',
      '`"dev": "LOG_LEVEL=debug tsx watch server.ts"` in package.json.',
    ],
    async () => {
      const { program, url } = dev
      const save = () => appendFile(join(copy, 'server.ts'), "\nconsole.log('it was saved')\n")
      // If there is no restart in the time that two starts take, nothing watches the file.
      const restarts = () => program.waitForOutput(/it was saved/, Math.max(2_000, 2 * startMs))
      await save()
      // The first save may have come before the watcher was ready, so it is repeated once.
      await restarts()
        .catch(() => save().then(restarts))
        .catch(() => assert.fail('server.ts was saved twice, and the server did not restart.'))
      assert.equal(
        (await program.waitForResponse(url)).status,
        200,
        'The server restarted after the save, but no longer responds with 200.',
      )
    },
  )
})

function messageOf(body: string): string | undefined {
  try {
    const { message } = JSON.parse(body)
    return typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}
