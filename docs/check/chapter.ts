import { dirname, relative, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import t from 'tap'
import { type Database, openDatabase } from './database.ts'

/** From where to look, over what to do, to nearly the code: shown one after the other, on demand. */
export type Hints = readonly [where: string, what: string, how: string]

export interface Chapter {
  /** The path of a file of the attempt. */
  file(name: string): string
  /** Imports a file of the attempt. */
  load<Module>(name: string): Promise<Module>
  /** A new database with the tables of the chapter's `tables.sql`, deleted at the end of the check. */
  database(): Promise<Database>
  /**
   * States something that must be true of the attempt. The first claim that does not hold ends the check, with
   * its hints. `mistake` is what a learner has probably done then: `bad/<mistake>/` is a solution with it.
   */
  claim(mistake: string, sentence: string, hints: Hints, work: () => unknown): Promise<void>
  /** Runs at the end, however the check ends. The last one given runs first. */
  atEnd(work: () => unknown): void
}

/**
 * Checks an attempt at a chapter's exercise: the learner's, in `exercise/`, or the folder of the chapter that the
 * environment's `CHAPTER_ATTEMPT` names (`solution`, `bad/plain-text`). What is found is said as TAP.
 */
export async function chapter(checkUrl: string, check: (chapter: Chapter) => Promise<void>): Promise<void> {
  const folder = dirname(fileURLToPath(checkUrl))
  const attempt = process.env.CHAPTER_ATTEMPT ?? 'exercise'
  const shown = (path: string) => relative(folder, path)
  let held = true

  // Of what the attempt has not awaited: it fails the claim that it comes in, and does not break the check off.
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

  const load = async <Module>(name: string): Promise<Module> => {
    try {
      return (await import(pathToFileURL(file(name)).href)) as Module
    } catch (error) {
      throw new NotLoaded(`${shown(file(name))} cannot be run: ${textOf(error, folder)}`)
    }
  }

  const database = () => openDatabase({ teardown: atEnd }, resolve(folder, 'tables.sql'))

  const claim: Chapter['claim'] = async (mistake, sentence, hints, work) => {
    if (!held) return void t.pass(sentence, { skip: 'not looked at yet' })
    try {
      await work()
      await noStrays()
      t.pass(sentence)
    } catch (error) {
      // What was not awaited is the likelier reason.
      await nextTurn()
      refuse(sentence, { mistake, ...findingOf(strays[0] ?? error, folder), hints })
    }
  }

  const endings: (() => unknown)[] = []
  const atEnd = (work: () => unknown) => void endings.push(work)

  try {
    await check({ file, load, database, claim, atEnd })
    if (held) await noStrays()
  } catch (error) {
    if (!(error instanceof NotLoaded)) throw error
    refuse('the files can be run', {
      mistake: 'not-loaded',
      finding: error.message,
      hints: HINTS_FOR_LOADING,
    })
  } finally {
    for (const end of endings.reverse()) await end()
  }
  // Whoever calls process.exit in the midst of it does not come here.
  t.comment('the check is over')
}

class NotLoaded extends Error {}

const HINTS_FOR_LOADING: Hints = [
  'The file and the line are in the message.',
  'Undo your last change: does the check get further?',
  'Compare the whole file with the one in `solution/`.',
]

interface Finding {
  readonly finding: string
  readonly expected?: string
  readonly came?: string
}

/** An assertion's own message says what was looked at; anything else that was thrown came from the attempt. */
function findingOf(error: unknown, folder: string): Finding {
  if (!(error instanceof Error) || error.name !== 'AssertionError') return { finding: textOf(error, folder) }
  const { message, generatedMessage, operator, expected, actual } = error as Error & Record<string, unknown>
  return {
    // Node adds the two values to the message; that something is not true needs no values.
    finding: generatedMessage ? 'It came out differently.' : message.replace(/\n.*/s, ''),
    ...(operator === '==' || (expected === undefined && actual === undefined)
      ? {}
      : { expected: inspect(expected, SHORT), came: inspect(actual, SHORT) }),
  }
}

const SHORT = { depth: 4, breakLength: 100, maxStringLength: 400 }

/** What was thrown, and where in the attempt. */
function textOf(error: unknown, folder: string): string {
  if (!(error instanceof Error)) return `${inspect(error, SHORT)} was thrown, which is no Error`
  const line = (error.stack ?? '')
    .split('\n')
    .find((frame) => /^\s+at /.test(frame) && frame.includes(folder) && !frame.includes('check.test.ts'))
  const place = line && /([^/(]+\/[^/]+\.\w+:\d+):\d+\)?$/.exec(line)?.[1]
  return `${error.name}: ${error.message}${place ? ` (${place})` : ''}`
}
