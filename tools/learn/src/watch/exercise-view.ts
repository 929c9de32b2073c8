import { relative } from 'node:path'
import colours from 'picocolors'
import { CHECKOUT } from '../chapters.ts'
import { formatCheck, formatFinding, formatOutput } from '../print.ts'
import type { Check } from '../report.ts'
import { type Section, wrap, wrapCode } from './section.ts'
import { readSnippet } from './snippet.ts'
import {
  findFailedCheck,
  findNextOpen,
  findOpenCheck,
  readSeconds,
  readShownHints,
  type State,
} from './state.ts'

/** After this many seconds without a result, the screen explains what it waits for. */
const SLOW_SECONDS = 8

/** Shows the exercise, and the progress on it. */
export function viewExercise(state: State, columns: number): Section[] {
  return [
    viewTask(state, columns),
    ...(state.running ? viewRunning(state, columns) : viewVerdict(state, columns)),
    { key: 'notice', lines: state.notice ? wrap(state.notice, columns) : [] },
  ]
}

const WELCOME =
  'Read the chapter, write the code and save it. Each save is checked. Run commands in another terminal.'

function viewTask({ chapter, task, files, missing, passed, checksOnSave }: State, columns: number): Section {
  const { number, title, folder } = chapter
  const here = relative(CHECKOUT, folder)
  return {
    key: 'task',
    lines: [
      ...(passed.size === 0 && checksOnSave ? wrap(colours.dim(WELCOME), columns) : []),
      ...wrap(colours.bold(`${number} · ${title}`), columns, 5),
      ...wrap(task, columns),
      ...wrap(`Read  ${here}/README.md`, columns, 6),
      ...sortByMention(files, task).flatMap((file) => wrap(`Write ${here}/exercise/${file}`, columns, 6)),
      ...missing.flatMap((file) =>
        wrap(colours.yellow(`exercise/${file} does not exist. Press x to reset the exercise.`), columns),
      ),
    ],
  }
}

/** Sorts the files in the order in which the task names them. */
const sortByMention = (files: readonly string[], task: string) =>
  [...files].sort((one, other) => task.indexOf(one) - task.indexOf(other))

function viewRunning(state: State, columns: number): Section[] {
  if (!state.running) return []
  const { report, expected } = state.running
  const { checks, running } = report
  const seconds = readSeconds(state.running)
  const clock = seconds < 1 ? '' : ` (${seconds} s)`
  const coming = expected.slice(checks.length).filter((sentence) => sentence !== running?.sentence)
  return [
    viewChecks(checks, columns),
    {
      key: 'running',
      isLive: true,
      lines: [
        ...wrap(colours.cyan(`▸ ${running?.sentence ?? 'Starting the checks'}${clock}`), columns, 2),
        ...coming.flatMap((sentence) => wrap(colours.dim(`· ${sentence}`), columns, 2)),
      ],
    },
    {
      key: 'slow',
      isLive: true,
      lines: seconds < SLOW_SECONDS ? [] : wrap(describeWait(state), columns),
    },
    ...viewHints(state, columns),
  ]
}

/** Says how long the learner has waited, and for what. */
export function describeWait({ running, checksOnSave }: State): string {
  if (!running) return 'No check is running.'
  const check = running.report.running
  const goal = check ? `“${check.sentence}”` : 'the checks to start'
  const again = checksOnSave ? 'Save a change or press r' : 'Press r'
  return `Waiting for ${goal}: ${readSeconds(running)} s so far. ${again} to start again.`
}

function viewVerdict(state: State, columns: number): Section[] {
  const { verdict, problem, chapter, typeProblems } = state
  if (problem) return [{ key: 'problem', lines: problem.split('\n').flatMap((line) => wrap(line, columns)) }]
  if (!verdict) return []
  const { checks, output } = verdict
  const failed = findFailedCheck(state)
  const shownTypeProblems = failed?.mistake === 'not-loaded' && failed.place ? [] : typeProblems
  return [
    viewChecks(checks, columns),
    {
      key: 'finding',
      lines: failed
        ? [
            ...formatFinding(failed).flatMap((line) => wrap(line, columns, line.startsWith('  ') ? 12 : 0)),
            ...(failed.place ? readSnippet(chapter.folder, failed.place, columns) : []),
          ]
        : [],
    },
    { key: 'printed', lines: output.trim() ? wrapCode(formatOutput(output, 8), columns) : [] },
    ...shownTypeProblems.slice(0, 2).map(({ path, line, column, message }, index) => ({
      key: `types ${index}`,
      lines: [
        ...wrap(
          `TypeScript: ${message.split('\n')[0]} (${relative(chapter.folder, path)}:${line})`,
          columns,
          2,
        ),
        ...readSnippet(chapter.folder, `${path}:${line}:${column}`, columns),
        ...(index === 1 && shownTypeProblems.length > 2
          ? [`… and ${shownTypeProblems.length - 2} more`]
          : []),
      ],
    })),
    ...viewHints(state, columns),
    { key: 'next', lines: wrap(describeNextStep(state, failed), columns) },
  ]
}

function viewChecks(checks: readonly Check[], columns: number): Section {
  return { key: 'checks', lines: checks.flatMap((check) => wrap(formatCheck(check), columns, 2)) }
}

function viewHints(state: State, columns: number): Section[] {
  const count = findOpenCheck(state)?.hints?.length
  return readShownHints(state).map((hint, index) => ({
    key: `hint ${index}`,
    lines: wrap(`${colours.yellow(`Hint ${index + 1} of ${count}:`)} ${hint}`, columns),
  }))
}

function describeNextStep(state: State, failed: Check | undefined): string {
  const { verdict, checksOnSave } = state
  const again = checksOnSave ? 'Save to check again.' : 'Press r to check again.'
  if (!verdict?.passed) return failed && state.hints === 0 ? `${again} Stuck? Press h for a hint.` : again
  const next = findNextOpen(state)
  const done = colours.green('Done: all checks pass.')
  if (state.passed.size === state.chapters.length)
    return `${done} That was the last chapter. Press n to see what comes next.`
  return next
    ? `${done} Press n to continue with ${next.number} · ${next.title}, or s to compare your code with a solution.`
    : done
}
