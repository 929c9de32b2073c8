import { resolve } from 'node:path'
import { CHECKOUT, readChapters } from '../chapters.ts'
import { keepSpare } from '../check-process.ts'
import { keepPostgres } from '../keep-postgres.ts'
import { readLastChapter, readPassed } from '../progress.ts'
import { press } from './actions.ts'
import { watchExercises } from './files.ts'
import { footOf } from './foot.ts'
import { readKeys } from './keys.ts'
import { plainLines } from './plain.ts'
import { fullScreen } from './screen.ts'
import { Session } from './session.ts'
import { nextOpen } from './state.ts'
import { startTypeChecker } from './types.ts'
import { viewOf } from './view.ts'

/** Shows the exercise where one left off, and checks it at each save (or by hand alone), until `q`. */
export async function watch({ watches }: { watches: boolean }): Promise<void> {
  const { stdin, stdout } = process
  const chapters = await readChapters()
  const passed = await readPassed(chapters)
  const last = await readLastChapter()
  const [first] = chapters
  const chapter = chapters.find(({ number }) => number === last) ?? first
  if (!chapter) throw new Error('There are no chapters in docs/chapters')
  const open = passed.has(chapter.number) ? nextOpen({ chapters, passed, chapter }) : chapter

  const canDraw = stdout.isTTY && process.env.TERM !== 'dumb'
  const display = canDraw ? fullScreen(stdout) : plainLines(stdout)
  const types = startTypeChecker()
  const spare = keepSpare()
  const postgres = keepPostgres(
    (line) => session.say(`${line} …`),
    () => session.postgresStopped(),
  )
  let isOver = false
  const render = () => {
    // What ends after `q` has nobody to tell.
    if (isOver) return
    display.show(viewOf(session.state, display.columns), footOf(session.state, display.columns))
  }
  const tools = { postgres, types, spare }
  const session = new Session({ chapters, passed, chapter: open ?? chapter, watches }, tools, render)

  if (open) void session.open(open)
  else session.show('end')

  const { promise: quit, resolve: end } = withResolvers()
  const stopReading = readKeys(stdin, async (key) => {
    // From a pipe the keys may be there before the verdict that they are about.
    if (!stdin.isTTY) await session.checking.settled()
    if (key === 'q' || key === 'closed') end()
    else await press(key, session, display).catch((error) => session.say(String(error)))
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end)
  stdout.on('resize', render).on('error', end)
  // The seconds of a check that takes long.
  const clock = setInterval(() => session.state.running && render(), 1_000)
  const stopWatching = watches
    ? await watchExercises(resolve(CHECKOUT, 'docs/chapters'), (folders) => void session.saved(folders))
    : undefined
  await quit
  isOver = true
  clearInterval(clock)
  display.end()
  stopReading()
  stdout.off('resize', render)
  stdout.write(farewell(session))
  await Promise.all([stopWatching?.(), session.checking.end()])
  types.end()
  spare.end()
  await postgres.leave()
}

function farewell({ state }: Session): string {
  const { chapters, passed, chapter } = state
  const next = passed.has(chapter.number) ? nextOpen(state) : chapter
  const count = `${passed.size} of ${chapters.length} done.`
  return next ? `${count} \`npm run learn\` goes on with ${next.number} · ${next.title}.\n` : `${count}\n`
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
