import { resolve } from 'node:path'
import { CHECKOUT, readChapters } from '../chapters.ts'
import { keepSpareProcess } from '../check-process.ts'
import { keepPostgres } from '../keep-postgres.ts'
import { readLastChapter, readPassed } from '../progress.ts'
import { press } from './actions.ts'
import { watchExercises } from './files.ts'
import { viewFoot } from './foot.ts'
import { readKeys } from './keys.ts'
import { createPlainDisplay } from './plain.ts'
import { createFullScreen } from './screen.ts'
import { Session } from './session.ts'
import { findNextOpen } from './state.ts'
import { startTypeChecker } from './types.ts'
import { viewPage } from './view.ts'

/** Shows the exercise that the learner worked on last, and checks it at each save (or only on demand), until `q`. */
export async function watch({ checksOnSave }: { checksOnSave: boolean }): Promise<void> {
  const { stdin, stdout } = process
  const chapters = await readChapters()
  const passed = await readPassed(chapters)
  const last = await readLastChapter()
  const [first] = chapters
  const chapter = chapters.find(({ number }) => number === last) ?? first
  if (!chapter) throw new Error('There are no chapters in docs/chapters')
  const open = passed.has(chapter.number) ? findNextOpen({ chapters, passed, chapter }) : chapter

  const canDraw = stdout.isTTY && process.env.TERM !== 'dumb'
  const display = canDraw ? createFullScreen(stdout) : createPlainDisplay(stdout)
  const types = startTypeChecker()
  const spare = keepSpareProcess()
  const postgres = keepPostgres(
    (line) => session.showNotice(`${line} …`),
    () => session.onPostgresStop(),
  )
  let hasQuit = false
  const render = () => {
    // After `q`, nothing is drawn.
    if (hasQuit) return
    display.show(viewPage(session.state, display.columns), viewFoot(session.state, display.columns))
  }
  const tools = { postgres, types, spare }
  const session = new Session({ chapters, passed, chapter: open ?? chapter, checksOnSave }, tools, render)

  if (open) void session.open(open)
  else session.show('end')

  const { promise: quit, resolve: end } = withResolvers()
  const stopReading = readKeys(stdin, async (key) => {
    // A pipe may deliver the keys before the verdict that they are about.
    if (!stdin.isTTY) await session.checking.settled()
    if (key === 'q' || key === 'closed') end()
    else await press(key, session, display).catch((error) => session.showNotice(String(error)))
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end)
  stdout.on('resize', render).on('error', end)
  // Updates the seconds of a slow check.
  const clock = setInterval(() => session.state.running && render(), 1_000)
  const stopWatching = checksOnSave
    ? await watchExercises(resolve(CHECKOUT, 'docs/chapters'), (folders) => void session.onSave(folders))
    : undefined
  await quit
  hasQuit = true
  clearInterval(clock)
  display.end()
  stopReading()
  stdout.off('resize', render)
  stdout.write(describeProgress(session))
  await Promise.all([stopWatching?.(), session.checking.end()])
  types.end()
  spare.end()
  await postgres.release()
}

function describeProgress({ state }: Session): string {
  const { chapters, passed, chapter } = state
  const next = passed.has(chapter.number) ? findNextOpen(state) : chapter
  const count = `${passed.size} of ${chapters.length} done.`
  return next ? `${count} \`npm run learn\` continues with ${next.number} · ${next.title}.\n` : `${count}\n`
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
