// Shows the stage that the learner works on, and checks the server after each save, until `q`.
import { connect } from 'node:net'
import { relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { watch as watchFiles } from 'chokidar'
import { readKeys, SCROLL_LINES } from '../../../learn/src/watch/keys.ts'
import { createPlainDisplay } from '../../../learn/src/watch/plain.ts'
import { createFullScreen } from '../../../learn/src/watch/screen.ts'
import type { Options } from '../options.ts'
import type { ServerProcess } from '../server-process.ts'
import { Subject } from '../subject.ts'
import { Session } from './session.ts'
import { isPassed } from './state.ts'
import { viewFoot, viewPage } from './view.ts'

/** Files that are not source code: a server that writes a log or a database must not start the next check. */
const IGNORED =
  /(^|[/\\])(node_modules|\.git|\.venv|__pycache__|\.challenge\.json|4913)([/\\]|$)|~$|\.(log|db|sqlite3?|jsonl|pyc|tmp|sw\w)(-\w+)?$/
/** Editors write a file in several steps. */
const SETTLE_MS = 200
/** A server that reloads by itself may be away for a moment. */
const RELOAD_TIMEOUT_MS = 10_000
const POLL_MS = 100
/** How long after a save a server may notice it and reload. */
const NOTICE_TIMEOUT_MS = 5_000

export async function watch(
  folder: string,
  options: Options,
  server: ServerProcess | undefined,
): Promise<void> {
  const { stdin, stdout } = process
  const [url] = options.urls as [URL]
  const canDraw = stdout.isTTY && process.env.TERM !== 'dumb'
  const display = canDraw ? createFullScreen(stdout) : createPlainDisplay(stdout)
  let hasQuit = false
  const render = (): void => {
    // after `q`, nothing is drawn
    if (hasQuit) return
    display.show(viewPage(session.state, display.columns), viewFoot(session.state, display.columns))
  }
  const prepare = async (signal: AbortSignal): Promise<Subject> => {
    const subject = new Subject({ ...options, url, server, signal })
    if (server) {
      await server.stop()
      await server.start()
    } else await untilItResponds(subject, signal)
    return subject
  }
  const session = await Session.open(options.stages, resolve(folder, '.challenge.json'), prepare, render)
  const check = (): void => void session.check()

  let stopWaiting = (): void => {}
  let timer: NodeJS.Timeout | undefined
  const watcher = watchFiles(folder, {
    ignored: (path) => IGNORED.test(relative(folder, path)),
    ignoreInitial: true,
  })
  watcher.on('error', () => {})
  watcher.on('all', () => {
    stopWaiting()
    if (!server) stopWaiting = onReload(url, check)
    clearTimeout(timer)
    timer = setTimeout(check, SETTLE_MS)
  })

  let quit = (): void => {}
  const end = new Promise<void>((resolve) => {
    quit = resolve
  })
  const stopReading = readKeys(stdin, async (key) => {
    // a pipe may deliver the keys before the verdict that they are about
    if (!stdin.isTTY) await session.settled()
    // without a terminal, such as in the background, only a signal ends it
    if (key === 'q' || (key === 'closed' && stdin.isTTY)) quit()
    else if (session.state.page === 'stage' && SCROLL_LINES[key]) display.scroll(SCROLL_LINES[key])
    else await session.press(key)
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, quit)
  stdout.on('resize', render).on('error', quit)
  check()
  await end
  hasQuit = true
  display.end()
  stopReading()
  stopWaiting()
  clearTimeout(timer)
  stdout.off('resize', render)
  stdout.write(describeProgress(session))
  await Promise.all([watcher.close(), session.end()])
  await server?.stop()
}

/**
 * Calls `onReload` if the server restarts soon: a check may start before the server has noticed the save, and would then judge
 * the old code. An open connection shows it, since it ends with the process.
 */
function onReload(url: URL, onReload: () => void): () => void {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  const socket = connect(port, url.hostname.replace(/^\[|\]$/g, ''))
  const stop = (): void => {
    clearTimeout(timer)
    socket.off('close', onClose).destroy()
  }
  const onClose = (): void => {
    clearTimeout(timer)
    // a server that does not listen yet is waited for anyway
    if (isConnected) onReload()
  }
  const timer = setTimeout(stop, NOTICE_TIMEOUT_MS)
  let isConnected = false
  socket.once('connect', () => {
    isConnected = true
  })
  socket
    .on('error', () => {})
    .on('close', onClose)
    .resume()
  return stop
}

/** Waits while the server restarts by itself. If it does not come back, stage 1 fails. */
async function untilItResponds(subject: Subject, signal: AbortSignal): Promise<void> {
  for (
    const giveUpAt = performance.now() + RELOAD_TIMEOUT_MS;
    performance.now() < giveUpAt && !signal.aborted;
    await sleep(POLL_MS)
  )
    if (await subject.responds()) return
}

function describeProgress({ state }: Session): string {
  const passed = state.stages.filter((stage) => isPassed(state, stage)).length
  const next = state.stages.find((stage) => !isPassed(state, stage))
  const count = `${passed} of ${state.stages.length} stages pass.`
  return next ? `${count} The same command continues with ${next.number} · ${next.title}.\n` : `${count}\n`
}
