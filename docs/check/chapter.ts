import { dirname, relative, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { CourseTable } from '@auth-primer/migrations'
import t from 'tap'
import { type Database, openDatabase, openMigrated } from './database.ts'
import { type Finding, findingOf, thrownOf } from './finding.ts'
import { onTold, report } from './parent.ts'

report(t)

/** From where to look, over what to do, to nearly the code: shown one after the other, on demand. */
export type Hints = readonly [where: string, what: string, how: string]

export interface Chapter {
  /** The path of a file of the attempt. */
  file(name: string): string
  /** Imports a file of the attempt, which must export these names. */
  load<Module>(name: string, ...exported: readonly (keyof Module & string)[]): Promise<Module>
  /**
   * Creates a database with the tables of `migrations/` up to this one, empty, and deletes it at the end of the check.
   * `npm run learn -- run` reads the same option for the chapter's steps. Without it, the tables come from `tables.sql`.
   */
  database(options?: { readonly tables: CourseTable }): Promise<Database>
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
 * environment's `CHAPTER_ATTEMPT` names (`solution`, `bad/plain-text`). What is found is said as TAP.
 */
export async function chapter(checkUrl: string, run: (chapter: Chapter) => Promise<void>): Promise<void> {
  const folder = dirname(fileURLToPath(checkUrl))
  const attempt = process.env.CHAPTER_ATTEMPT ?? 'exercise'
  const shown = (path: string) => relative(folder, path)
  let held = true

  // Rejections that the attempt does not await. They fail the check in which they occur, and do not end the process.
  const strays: unknown[] = []
  process.on('unhandledRejection', (error) => void strays.push(error))
  const noStrays = async () => {
    await nextTurn()
    if (strays.length > 0) throw strays[0]
  }

  const refuse = (sentence: string, details: object) => {
    held = false
    t.fail(sentence, { ...details, at: null, stack: '' })
  }

  const file = (name: string) => resolve(folder, attempt, name)

  const load = async <Module>(name: string, ...exported: readonly (keyof Module & string)[]) => {
    const module = (await import(pathToFileURL(file(name)).href).catch((error) => {
      const found = thrownOf(error, { folder, files: file('.') })
      throw new NotLoaded({ ...found, finding: `${shown(file(name))} cannot be run: ${found.finding}` })
    })) as Module & object
    for (const wanted of exported) {
      if (wanted in module) continue
      const names = Object.keys(module).join(', ') || 'nothing'
      const finding = `${shown(file(name))} must export \`${wanted}\`. It exports ${names}.`
      throw new NotLoaded({ finding }, 'missing-export', hintsForExport(wanted))
    }
    return module
  }

  const database: Chapter['database'] = (options) =>
    options
      ? openMigrated({ teardown: atEnd }, options.tables)
      : openDatabase({ teardown: atEnd }, resolve(folder, 'tables.sql'))

  const check: Chapter['check'] = async (mistake, sentence, hints, work) => {
    if (!held) return void t.pass(sentence, { skip: 'not looked at yet' })
    t.comment(`now: ${sentence}`)
    try {
      await work()
      await noStrays()
      t.pass(sentence)
    } catch (error) {
      // If something was not awaited, that is the likelier reason.
      await nextTurn()
      const cause = strays[0] ?? error
      const failed = cause instanceof Unexpected ? cause : { reason: cause, mistake, hints }
      const finding = findingOf(failed.reason, { folder, files: file('.') })
      refuse(sentence, { mistake: failed.mistake, ...finding, hints: failed.hints })
    }
  }

  const expectation: Chapter['expectation'] = async (mistake, hints, work) => {
    try {
      return await work()
    } catch (error) {
      throw error instanceof Unexpected ? error : new Unexpected(error, mistake, hints)
    }
  }

  const endings: (() => unknown)[] = []
  const atEnd = (work: () => unknown) => void endings.push(work)
  const end = async () => {
    for (let work = endings.pop(); work; work = endings.pop()) await work()
  }
  onTold('stop', () => void end().finally(() => process.exit(1)))

  try {
    await run({ file, load, database, check, expectation, atEnd })
    if (held) await noStrays()
  } catch (error) {
    if (!(error instanceof NotLoaded)) throw error
    refuse('the files can be run', { mistake: error.mistake, ...error.found, hints: error.hints })
  } finally {
    await end()
  }
  // Whoever calls process.exit in the midst of it does not come here.
  t.comment('the check is over')
}

/** A failed expectation, with the hints that belong to it. */
class Unexpected extends Error {
  readonly reason: unknown
  readonly mistake: string
  readonly hints: Hints

  constructor(reason: unknown, mistake: string, hints: Hints) {
    super('An expectation failed.')
    this.reason = reason
    this.mistake = mistake
    this.hints = hints
  }
}

const HINTS_FOR_LOADING: Hints = [
  'The file and the line are in the message.',
  'Undo your last change: does the check get further?',
  'Compare the whole file with the one in `solution/`.',
]

const hintsForExport = (name: string): Hints => [
  `The check imports \`${name}\` from your file. Does the file export something with exactly this name?`,
  'Write `export` before the declaration, and keep the name that the exercise came with.',
  `For example \`export const ${name} = …\` or \`export function ${name}(…)\`. \`export default\` exports it under the name \`default\`.`,
]

class NotLoaded extends Error {
  readonly found: Finding
  readonly mistake: string
  readonly hints: Hints

  constructor(found: Finding, mistake = 'not-loaded', hints = HINTS_FOR_LOADING) {
    super(found.finding)
    this.found = found
    this.mistake = mistake
    this.hints = hints
  }
}
