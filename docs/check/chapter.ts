import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { CourseTable } from '@auth-primer/migrations'
import type { RunningCheck } from '@auth-primer/tool-learn'
import type { Database } from './database.ts'
import { describeFailure, describeThrown, type Finding } from './finding.ts'
import { onStopRequest, receivePostgresUrl, report } from './report.ts'

/** Three hints, shown one by one on demand: where to look, what to do, and nearly the code. */
export type Hints = readonly [where: string, what: string, how: string]

export interface Chapter {
  /** Returns the path of a file of the attempt. */
  file(name: string): string
  /** Imports a file of the attempt, which must export these names. */
  load<Module>(name: string, ...exported: readonly (keyof Module & string)[]): Promise<Module>
  /**
   * Creates a database with the tables of `migrations/` up to this one, empty, and deletes it at the end of the check.
   * `npm run learn -- run` reads the same option for the chapter's steps.
   */
  database(options: { readonly tables: CourseTable }): Promise<Database>
  /**
   * Checks that `sentence` is true of the attempt. The first check that fails ends the chapter's checks, and its
   * hints are shown. `mistake` names what the learner has probably done: `bad/<mistake>/` is an answer with it.
   */
  check(mistake: string, sentence: string, hints: Hints, work: () => unknown): Promise<void>
  /**
   * One expectation within a check. If `work` fails, the learner sees these hints instead of those of the check,
   * and the verdict has this mistake.
   */
  expectation<Result>(mistake: string, hints: Hints, work: () => Result | Promise<Result>): Promise<Result>
  /** Runs at the end, even if a check fails. The last one given runs first. */
  atEnd(work: () => unknown): void
}

/**
 * Checks an attempt at a chapter's exercise: the learner's, in `exercise/`, or the folder of the chapter that the
 * environment's `CHAPTER_ATTEMPT` names (`solution`, `bad/plain-text`). Reports each check to `npm run learn`.
 */
export async function chapter(checkUrl: string, run: (chapter: Chapter) => Promise<void>): Promise<void> {
  const folder = dirname(fileURLToPath(checkUrl))
  const attempt = process.env.CHAPTER_ATTEMPT ?? 'exercise'
  const file = (name: string) => resolve(folder, attempt, name)
  const attemptFolders = { folder, files: file('.') }
  const stray = collectStrayErrors()
  let hasFailed = false
  let running: RunningCheck | undefined

  const fail = ({ sentence, mistake, hints, finding }: Failure & { readonly sentence: string }) => {
    hasFailed = true
    report({ finished: { sentence, state: 'failed', mistake, hints, ...finding } })
  }

  /** Reports what runs, so the learner sees what a long wait is for. */
  const during = async <Result>(
    step: RunningCheck,
    work: () => Result | Promise<Result>,
  ): Promise<Result> => {
    const outer = running
    running = step
    report({ started: step })
    try {
      return await work()
    } finally {
      running = outer
      if (outer) report({ started: outer })
    }
  }

  const load = async <Module>(name: string, ...exported: readonly (keyof Module & string)[]) => {
    const path = `${attempt}/${name}`
    const step = { sentence: `${path} can be imported`, mistake: 'not-loaded', hints: HINTS_FOR_LOADING }
    if (!existsSync(file(name)))
      throw new FailedCheck({ ...step, finding: { finding: `${path} does not exist.` } })
    const importFile = () => stray.race(import(pathToFileURL(file(name)).href))
    const module = (await during(step, importFile).catch((error) => {
      const found = describeThrown(error, attemptFolders)
      throw new FailedCheck({
        ...step,
        finding: { ...found, finding: `${path} cannot be run: ${found.finding}` },
      })
    })) as Module & object
    for (const wanted of exported) {
      if (wanted in module) continue
      const names = Object.keys(module).join(', ') || 'nothing'
      const finding = { finding: `${path} must export \`${wanted}\`. It exports ${names}.` }
      throw new FailedCheck({ ...step, finding, mistake: 'missing-export', hints: createExportHints(wanted) })
    }
    return module
  }

  const database: Chapter['database'] = ({ tables }) =>
    during({ sentence: 'the database is ready', mistake: 'no-database', hints: [] }, async () => {
      await receivePostgresUrl()
      // Chapters without a database do not load knex, which would take a fifth of their time.
      const { openMigrated } = await import('./database.ts')
      return openMigrated({ teardown: atEnd }, tables)
    })

  const check: Chapter['check'] = async (mistake, sentence, hints, work) => {
    if (hasFailed) return report({ finished: { sentence, state: 'not run' } })
    try {
      await during({ sentence, mistake, hints }, () => stray.race(work()))
      await stray.throwFirst()
      report({ finished: { sentence, state: 'passed' } })
    } catch (error) {
      // If the attempt did not await something, that is the likelier reason.
      const reason = (await stray.readFirst()) ?? error
      if (reason instanceof FailedCheck) fail({ ...reason.failure, sentence })
      else fail({ sentence, mistake, hints, finding: describeFailure(reason, attemptFolders) })
    }
  }

  const expectation: Chapter['expectation'] = async (mistake, hints, work) => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof FailedCheck) throw error
      throw new FailedCheck({ mistake, hints, finding: describeFailure(error, attemptFolders) })
    }
  }

  const endings: (() => unknown)[] = []
  const atEnd = (work: () => unknown) => void endings.push(work)
  const end = async () => {
    for (let work = endings.pop(); work; work = endings.pop()) await work()
  }
  onStopRequest(() => void end().finally(() => process.exit(1)))

  const failRun = (error: unknown) => {
    const sentence = 'all checks run'
    if (error instanceof FailedCheck) fail({ sentence, ...error.failure })
    else if (!hasFailed)
      fail({
        ...{ sentence, mistake: 'interrupted', hints: HINTS_FOR_LOADING },
        finding: describeThrown(error, attemptFolders),
      })
  }
  try {
    await run({ file, load, database, check, expectation, atEnd })
    if (!hasFailed) await stray.throwFirst()
  } catch (error) {
    failRun(error)
  }
  await end().catch(failRun)
  // An attempt that calls process.exit never gets here.
  report({ ended: true })
  process.exitCode = hasFailed ? 1 : 0
  // A connection or a timer that the attempt left open would keep the process alive.
  setTimeout(() => process.exit(), LINGER_MS).unref()
}

/** How long a process may go on after its check. */
const LINGER_MS = 300

/** Collects the errors that the attempt throws in the background, such as a rejection that it does not await. */
function collectStrayErrors() {
  const errors: unknown[] = []
  let onException = (_error: unknown) => {}
  const exception = new Promise<never>((_, reject) => {
    onException = reject
  })
  exception.catch(() => {})
  process.on('unhandledRejection', (error) => void errors.push(error))
  process.on('uncaughtException', (error) => {
    errors.push(error)
    onException(error)
  })

  const readFirst = async () => {
    // Node reports an unhandled rejection at the end of the turn.
    await nextTurn()
    return errors[0]
  }
  const throwFirst = async () => {
    const error = await readFirst()
    if (errors.length > 0) throw error
  }
  /** Waits for the work, or for an uncaught exception: after one, the work may never settle. */
  const race = <Result>(work: Result | Promise<Result>): Promise<Result> => Promise.race([work, exception])
  return { readFirst, throwFirst, race }
}

interface Failure {
  readonly sentence?: string
  readonly mistake: string
  readonly hints: Hints
  readonly finding: Finding
}

/** Carries a failure with the hints that belong to it. */
class FailedCheck extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.finding.finding)
    this.failure = failure
  }
}

const HINTS_FOR_LOADING: Hints = [
  'The message names the file and the line.',
  'Undo your last change. Does the check get any further?',
  'Compare the whole file with the one in `solution/`.',
]

const createExportHints = (name: string): Hints => [
  `The check imports \`${name}\` from your file. Does the file export something with exactly this name?`,
  'Write `export` before the declaration, and keep the name that the exercise came with.',
  `For example, \`export const ${name} = …\` or \`export function ${name}(…)\`. \`export default\` exports it under the name \`default\`.`,
]
