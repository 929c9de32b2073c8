import assert from 'node:assert/strict'
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { chapter, type Hints } from '../../check/chapter.ts'
import { freePort, type Program, startProgram } from '../../check/program.ts'

const NODE_MODULES = resolve(import.meta.dirname, '../../../node_modules')

/** Do what `tsx` does, without a second process if nothing is watched. For a POSIX shell, and for cmd.exe. */
const TSX = {
  tsx: `#!/bin/sh
[ "$1" = watch ] && exec '${join(NODE_MODULES, '.bin/tsx')}' "$@"
exec '${process.execPath}' --import '${import.meta.resolve('tsx')}' "$@"
`,
  'tsx.cmd': `@if "%1"=="watch" ("${join(NODE_MODULES, '.bin/tsx.cmd')}" %*) else "${process.execPath}" --import "${import.meta.resolve('tsx')}" %*\r\n`,
}

/** Matches a line of each level: with a number or a label, or as pino-pretty prints it. */
const LINES = { debug: /"level":(?:20\b|"debug")|\bDEBUG\b/, info: /"level":(?:30\b|"info")|\bINFO\b/ }

const NO_SCRIPT: Hints = [
  'What are the scripts in package.json called? The task asks for `start` and `dev`.',
  '`npm run dev` runs the command that `"scripts"` lists under the name `dev`.',
  '`"dev": "tsx watch --env-file=dev.env server.ts"`, with the line `LOG_LEVEL=debug` in `dev.env`',
]

await chapter(import.meta.url, async ({ file, check, expectation, atEnd }) => {
  // A copy, because the check changes one of its files.
  const copy = await mkdtemp(join(tmpdir(), 'chapter-01-'))
  atEnd(() => rm(copy, { recursive: true, force: true }))
  await cp(file('.'), copy, { recursive: true })
  // A junction on Windows, where only administrators create other links.
  await symlink(NODE_MODULES, join(copy, 'node_modules'), 'junction')
  const bin = join(copy, '.bin')
  await mkdir(bin)
  for (const [name, text] of Object.entries(TSX)) await writeFile(join(bin, name), text, { mode: 0o755 })
  const readScripts = async (): Promise<Record<string, string>> =>
    JSON.parse(await readFile(join(copy, 'package.json'), 'utf8')).scripts ?? {}

  /** Runs a script of package.json on a free port, as `npm run` does. npm itself would take a quarter of the time. */
  const start = async (name: string, LOG_LEVEL?: string) => {
    const scripts = await readScripts()
    const script = scripts[name]
    if (script === undefined) return undefined
    const needsNpm = `pre${name}` in scripts || `post${name}` in scripts
    const port = await freePort()
    const PATH = [bin, join(NODE_MODULES, '.bin'), process.env.PATH].join(delimiter)
    const program = await startProgram([needsNpm ? `npm run --silent ${name}` : script], {
      shell: true,
      cwd: copy,
      env: { PATH, PORT: `${port}`, LOG_LEVEL },
    })
    atEnd(program.end)
    return { program, url: `http://127.0.0.1:${port}/` }
  }
  const mustStart = async (name: string, started: ReturnType<typeof start>) => {
    const running = await started
    const names = Object.keys(await readScripts()).join(', ') || 'none'
    await expectation('no-script', NO_SCRIPT, () =>
      assert.ok(running, `package.json must have a script named \`${name}\`. Its scripts are: ${names}.`),
    )
    return running as NonNullable<typeof running>
  }

  /** Returns what `npm start` responds and logs at a level. */
  const visit = async ({ program, url }: { program: Program; url: string }) => {
    const response = await program.waitForResponse(url)
    const body = await response.text()
    // The logger writes asynchronously. Lines that are not written yet are lost with the process.
    await program.waitForOutput(/request completed/, 1_000).catch(() => {})
    await program.end()
    return { status: response.status, body, printed: program.output() }
  }

  // All three at once.
  const [atInfo, atDebug, inDev] = [start('start'), start('start', 'debug'), start('dev')]
  for (const one of [atInfo, atDebug, inDev]) one.catch(() => {})

  let normal: Awaited<ReturnType<typeof visit>>

  await check(
    'no-answer',
    '`npm start` serves `GET /`, which returns a message',
    [
      'Does the server have a route for the path `/`? Run `npm start` in `exercise/`, and send a request with curl.',
      'Declare a route before `app.listen`: a method, a path, and a function that returns the response.',
      "`app.get('/', async () => ({ message: 'Hello World' }))`.",
    ],
    async () => {
      const running = await mustStart('start', atInfo)
      const { port } = new URL(running.url)
      const [, usedPort] = await Promise.race([
        running.program.waitForOutput(/(?:listening (?:at|on) http[^"\s]*|EADDRINUSE[^\n]*):(\d+)/i),
        running.program.waitForResponse(running.url).then(() => ['', port]),
      ])
      await expectation(
        'other-port',
        [
          'What port does your server listen on? It prints its address when it starts.',
          'The port comes from the environment variable PORT. The exercise already reads it.',
          "`await app.listen({ host: '127.0.0.1', port: Number(PORT) })`",
        ],
        () =>
          assert.ok(
            usedPort === port,
            `With PORT=${port}, the server must listen on that port. It tried to listen on ${usedPort}.`,
          ),
      )
      normal = await visit(running)
      const { status, body } = normal
      assert.equal(status, 200, `\`GET /\` must respond with status 200. The response was: ${body}`)
      await expectation(
        'no-message',
        [
          'What does `GET /` return? Send a request with curl.',
          'Return an object with a property `message`. Fastify turns it into JSON.',
          "`return { message: 'Hello World' }`",
        ],
        () =>
          assert.ok(
            readMessage(body),
            `The response must be a JSON object with a \`message\`. It was: ${body}`,
          ),
      )
    },
  )

  await check(
    'always-debug',
    'without LOG_LEVEL, a request is logged at info, and nothing is logged at debug',
    [
      'Run `npm start` and send a request with curl. What is the `level` of each line? 20 is debug, and 30 is info.',
      'The level belongs in the environment, not in the code. Read LOG_LEVEL and use info as the default.',
      "`const { LOG_LEVEL = 'info' } = process.env`, then `Fastify({ logger: { level: LOG_LEVEL } })`.",
    ],
    async () => {
      const { printed } = normal
      await expectation(
        'no-logger',
        [
          'Run `npm start` and send a request with curl. Does the server print anything?',
          'Fastify has a logger, but it is off by default. Turn it on, and set its level to LOG_LEVEL, or to info if LOG_LEVEL is not set.',
          "`const { LOG_LEVEL = 'info' } = process.env`, then `Fastify({ logger: { level: LOG_LEVEL } })`.",
        ],
        () =>
          assert.ok(
            LINES.info.test(printed) || LINES.debug.test(printed),
            'The server logged nothing at level info (30). It needs a logger with the default level info.',
          ),
      )
      assert.ok(
        !LINES.debug.test(printed),
        'The server logged at level debug (20), although LOG_LEVEL was not set.',
      )
      assert.ok(LINES.info.test(printed), 'The server logged nothing at level info (30).')
    },
  )

  await check(
    'never-debug',
    'with LOG_LEVEL=debug, a request logs a line at debug',
    [
      'Run `LOG_LEVEL=debug npm start` and send a request with curl. Is there a line with level 20?',
      'You need two things: a logger that takes its level from LOG_LEVEL, and a route that logs a line at debug.',
      'Use `{ logger: { level: LOG_LEVEL } }`, and `request.log.debug(…)` in the route.',
    ],
    async () => {
      const { printed } = await visit(await mustStart('start', atDebug))
      const others = (text: string) =>
        text.split('\n').filter((line) => line.trim() && !/"level"|\b(?:INFO|DEBUG)\b/.test(line))
      await expectation(
        'console-log',
        [
          'Look at the lines that your server prints. Which of them have no `level`?',
          '`console.log` has no levels, and its lines do not show which request they belong to. Use `request.log` instead.',
          "`app.get('/', async (request) => { request.log.debug('saying hello'); … })`",
        ],
        () =>
          assert.ok(
            LINES.debug.test(printed) || others(printed).length === 0,
            `With LOG_LEVEL=debug, the server logged nothing at level debug (20). Instead, it printed: ${others(printed)[0]}`,
          ),
      )
      assert.ok(
        LINES.debug.test(printed),
        'With LOG_LEVEL=debug, the server logged nothing at level debug (20).',
      )
    },
  )

  let dev: NonNullable<Awaited<typeof inDev>>

  await check(
    'dev-is-quiet',
    '`npm run dev` logs at debug',
    [
      'What value does the `dev` script in package.json set LOG_LEVEL to?',
      '`--env-file=dev.env` reads variables from a file, one per line: `NAME=value`.',
      'Write `LOG_LEVEL=debug` in the new file `dev.env`, and `--env-file=dev.env` in the script, after `tsx watch`.',
    ],
    async () => {
      dev = await mustStart('dev', inDev)
      await dev.program.waitForResponse(dev.url)
      await dev.program.waitForOutput(LINES.debug, 1_000).catch(() => {})
      assert.ok(
        LINES.debug.test(dev.program.output()),
        '`npm run dev` served a request but logged nothing at level debug (20).',
      )
    },
  )

  await check(
    'no-restart',
    'saving a file restarts `npm run dev`',
    [
      'Run `npm run dev` in `exercise/` and save server.ts. Does the server log again that it is listening?',
      'Something has to watch the files and restart the program. `tsx` can do that.',
      '`"dev": "tsx watch --env-file=dev.env server.ts"` in package.json.',
    ],
    async () => {
      const { program, url } = dev
      const startedAt = performance.now()
      const save = () => appendFile(join(copy, 'server.ts'), "\nconsole.log('it was saved')\n")
      const hasRestarted = (timeoutMs: number) => program.waitForOutput(/it was saved/, timeoutMs)
      await save()
      // The first save may have come before the watcher was ready, so it is repeated once.
      await hasRestarted(2_000)
        .catch(() => save().then(() => hasRestarted(4_000)))
        .catch(() => {
          const waited = Math.round((performance.now() - startedAt) / 1000)
          assert.fail(`server.ts was saved twice, but the server did not restart within ${waited} s.`)
        })
      assert.equal(
        (await program.waitForResponse(url)).status,
        200,
        'The server restarted after the save, but no longer responds with 200.',
      )
    },
  )
})

function readMessage(body: string): string | undefined {
  try {
    const { message } = JSON.parse(body)
    return typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}
