// Checks the server after each save, until Ctrl-C.
import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { watch as watchFiles } from 'chokidar'
import colors from 'picocolors'
import { send } from './http.ts'
import type { Options } from './options.ts'
import { formatStage, formatSummary } from './print.ts'
import { runStages } from './run.ts'
import type { ServerProcess } from './server-process.ts'
import { Subject } from './subject.ts'

/** Files that are not source code: a server that writes a log or a database must not start the next check. */
const IGNORED =
  /(^|[/\\])(node_modules|\.git|\.venv|__pycache__|\.challenge\.json)([/\\]|$)|\.(log|db|sqlite3?|jsonl|pyc|tmp)(-\w+)?$/
/** Editors write a file in several steps. */
const SETTLE_MS = 200
/** A server that reloads by itself may be away for a moment. */
const RELOAD_TIMEOUT_MS = 10_000
const POLL_MS = 100
const CLEAR_SCREEN = '\x1b[2J\x1b[3J\x1b[H'

interface Progress {
  /** The number of the last stage that was passed. */
  readonly reached: string
}

export async function watch(
  folder: string,
  options: Options,
  server: ServerProcess | undefined,
  print: (text: string) => void,
): Promise<void> {
  const [url] = options.urls as [URL]
  const file = resolve(folder, '.challenge.json')
  const stages =
    options.stages.length === 1 ? options.stages : options.stages.filter(({ isCostly }) => !isCostly)
  let run = new AbortController()
  let running = Promise.resolve()

  const check = async (signal: AbortSignal): Promise<void> => {
    if (process.stdout.isTTY) print(CLEAR_SCREEN)
    print(colors.dim(`Checking ${url.origin} …\n`))
    if (server) await restart(server)
    else await untilItResponds(url, signal)
    const subject = new Subject({ ...options, url, server })
    const results = await runStages(stages, subject, {
      isComplete: options.isComplete,
      signal,
      onStage: (result) => print(`${formatStage(result, options.hints)}\n`),
    })
    if (signal.aborted) return
    print(`\n${formatSummary(results, stages.length)}\n`)
    const before = await readProgress(file)
    const reached = results.filter(({ isPassed }) => isPassed).at(-1)?.stage.number ?? '00'
    if (reached > before) print(colors.green(`You have passed stage ${reached} for the first time.\n`))
    if (reached < before) print(colors.yellow(`You previously passed stage ${before}.\n`))
    if (reached > before) await writeFile(file, `${JSON.stringify({ reached } satisfies Progress)}\n`)
    if (stages.length < options.stages.length)
      print(colors.dim('Stage 21 uses up login attempts, so it is checked only with --stage 21.\n'))
    print(colors.dim('Waiting for you to save a file. Press Ctrl-C to stop.\n'))
  }
  const start = (): void => {
    run.abort()
    const next = new AbortController()
    run = next
    running = running
      .then(() => (next.signal.aborted ? undefined : check(next.signal)))
      .catch((error: Error) => print(`${error.message}\n`))
  }

  let timer: NodeJS.Timeout | undefined
  const watcher = watchFiles(folder, { ignored: (path) => IGNORED.test(path), ignoreInitial: true })
  watcher.on('all', () => {
    clearTimeout(timer)
    timer = setTimeout(start, SETTLE_MS)
  })
  start()
  await new Promise(() => {})
}

async function restart(server: ServerProcess): Promise<void> {
  await server.stop()
  await server.start()
}

/** Waits while the server restarts by itself. If it does not come back, stage 1 fails. */
async function untilItResponds(url: URL, signal: AbortSignal): Promise<void> {
  const sent = { method: 'GET', path: '/', headers: {}, body: undefined }
  for (
    const giveUpAt = Date.now() + RELOAD_TIMEOUT_MS;
    Date.now() < giveUpAt && !signal.aborted;
    await sleep(POLL_MS)
  ) {
    const responds = await send(url, sent, RELOAD_TIMEOUT_MS).then(
      () => true,
      () => false,
    )
    if (responds) return
  }
}

async function readProgress(file: string): Promise<string> {
  try {
    return (JSON.parse(await readFile(file, 'utf8')) as Progress).reached ?? '00'
  } catch {
    return '00'
  }
}
