import assert from 'node:assert/strict'
import { appendFile, cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chapter } from '../../check/chapter.ts'
import { freePort, startProgram } from '../../check/program.ts'

const NODE_MODULES = resolve(import.meta.dirname, '../../../node_modules')

/** A line of a level: as pino writes it, and as pino-pretty does. */
const LINES = { debug: /"level":20\b|\bDEBUG\b/, info: /"level":30\b|\bINFO\b/ }

await chapter(import.meta.url, async ({ file, claim, atEnd }) => {
  // A copy, since a file of it is changed.
  const copy = await mkdtemp(join(tmpdir(), 'chapter-01-'))
  atEnd(() => rm(copy, { recursive: true }))
  await cp(file('.'), copy, { recursive: true })
  await symlink(NODE_MODULES, join(copy, 'node_modules'))

  /** Runs a script of its package.json, on a port of its own. */
  const start = async (script: string, LOG_LEVEL?: string) => {
    const port = await freePort()
    const env = { PORT: `${port}`, LOG_LEVEL }
    const program = await startProgram(['npm', 'run', '--silent', script], { cwd: copy, env })
    atEnd(program.end)
    return { program, url: `http://127.0.0.1:${port}/` }
  }

  /** What `npm start` answers and logs at a level. */
  const visit = async (level?: string) => {
    const { program, url } = await start('start', level)
    const response = await program.answers(url)
    const body = await response.text()
    // The logger writes when it finds the time, and what it has not written is lost with the process.
    await program.says(/request completed/, 2_000).catch(() => {})
    await program.end()
    return { status: response.status, body, printed: program.printed() }
  }
  const visits = [visit(), visit('debug')] as const
  for (const one of visits) one.catch(() => {})
  atEnd(() => Promise.allSettled(visits))

  await claim(
    'no-answer',
    '`npm start` serves `GET /`, which answers with a message',
    [
      'What does the server know of the path `/`? Run `npm start` in `exercise/`, and ask it with curl.',
      'Declare a route before `app.listen`: a method, a path, and a function that returns the answer.',
      "`app.get('/', async () => ({ message: 'Hello World' }))`.",
    ],
    async () => {
      const { status, body } = await visits[0]
      assert.equal(status, 200, `\`GET /\` was answered otherwise: ${body}`)
      assert.ok(messageOf(body), `The answer is no JSON object with a \`message\`: ${body}`)
    },
  )

  await claim(
    'always-debug',
    'without LOG_LEVEL a request is logged at info, and nothing at debug',
    [
      'Run `npm start`, and then curl. Which `level` have the lines: 20 is debug, 30 is info?',
      'The level belongs to the environment, not to the code. Read LOG_LEVEL, and let info be its default.',
      "`const { LOG_LEVEL = 'info' } = process.env`, then `Fastify({ logger: { level: LOG_LEVEL } })`.",
    ],
    async () => {
      const { printed } = await visits[0]
      assert.ok(LINES.info.test(printed), 'No line of the level info (30) came: there is no logger.')
      assert.ok(!LINES.debug.test(printed), 'Lines of the level debug (20) came without LOG_LEVEL.')
    },
  )

  await claim(
    'never-debug',
    'with LOG_LEVEL=debug a request leaves a debug line',
    [
      'Run `LOG_LEVEL=debug npm start`, and then curl. Is there a line of level 20?',
      'Two things have to be: a logger that follows LOG_LEVEL, and a line that the route writes at debug.',
      '`{ logger: { level: LOG_LEVEL } }`, and in the route `request.log.debug(…)`; `console.log` knows no levels.',
    ],
    async () => {
      const { printed } = await visits[1]
      assert.ok(LINES.debug.test(printed), 'No line of the level debug (20) came with LOG_LEVEL=debug.')
    },
  )

  let dev: Awaited<ReturnType<typeof start>>
  let startMs: number

  await claim(
    'dev-is-quiet',
    '`npm run dev` shows debug lines',
    [
      'Which LOG_LEVEL does `dev` in package.json give?',
      'A variable before a command is set for that command alone.',
      '`"dev": "LOG_LEVEL=debug …"` in package.json.',
    ],
    async () => {
      const startedAt = performance.now()
      dev = await start('dev')
      await dev.program.answers(dev.url)
      startMs = performance.now() - startedAt
      await dev.program.says(LINES.debug, 2_000)
    },
  )

  await claim(
    'no-restart',
    'a save restarts `npm run dev`',
    [
      'Run `npm run dev` in `exercise/` and save server.ts. Does a new line say that it listens?',
      'Somebody has to watch the files, and start the program anew. `tsx` can.',
      '`"dev": "LOG_LEVEL=debug tsx watch server.ts"` in package.json.',
    ],
    async () => {
      const { program, url } = dev
      const save = () => appendFile(join(copy, 'server.ts'), "\nconsole.log('it was saved')\n")
      // Whoever has not restarted in the time of two starts does not watch.
      const restarts = () => program.says(/it was saved/, Math.max(2_000, 2 * startMs))
      await save()
      // A second time, as one does: the first may have come before it watched.
      await restarts()
        .catch(() => save().then(restarts))
        .catch(() => assert.fail('The file was saved twice, and nothing started anew.'))
      assert.equal((await program.answers(url)).status, 200, 'It was restarted, and no longer answers.')
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
