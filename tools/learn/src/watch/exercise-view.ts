import { relative } from 'node:path'
import colours from 'picocolors'
import { CHECKOUT } from '../chapters.ts'
import { details, formatCheck, printedLines } from '../print.ts'
import type { Check } from '../report.ts'
import { type Section, wrap, wrapCode } from './section.ts'
import { snippetOf } from './snippet.ts'
import { findFailedCheck, nextOpen, type State } from './state.ts'

/** The exercise, and how far one has come with it. */
export function exerciseView(state: State, columns: number): Section[] {
  return [
    taskSection(state, columns),
    ...(state.running ? runningSections(state, columns) : verdictSections(state, columns)),
    { key: 'notice', lines: state.notice ? wrap(state.notice, columns) : [] },
  ]
}

const WELCOME = 'Read, write, save: each save is checked. Commands go into another terminal.'

function taskSection({ chapter, task, files, missing, passed, watches }: State, columns: number): Section {
  const { number, title, folder } = chapter
  const here = relative(CHECKOUT, folder)
  return {
    key: 'task',
    lines: [
      ...(passed.size === 0 && watches ? wrap(colours.dim(WELCOME), columns) : []),
      ...wrap(colours.bold(`${number} · ${title}`), columns, 5),
      ...wrap(task, columns),
      ...wrap(`Read  ${here}/README.md`, columns, 6),
      ...inOrder(files, task).flatMap((file) => wrap(`Write ${here}/exercise/${file}`, columns, 6)),
      ...missing.flatMap((file) =>
        wrap(colours.yellow(`exercise/${file} is not there. x puts the exercise back as it came.`), columns),
      ),
    ],
  }
}

/** As the task names them. */
const inOrder = (files: readonly string[], task: string) =>
  [...files].sort((one, other) => task.indexOf(one) - task.indexOf(other))

function runningSections({ running }: State, columns: number): Section[] {
  if (!running) return []
  const { checks, now, expected, startedAt } = running
  const seconds = Math.floor((Date.now() - startedAt) / 1_000)
  const clock = seconds < 1 ? '' : ` (${seconds} s)`
  const coming = expected.slice(checks.length + (now ? 1 : 0))
  return [
    ...checkSections(checks, columns),
    {
      key: 'running',
      isLive: true,
      lines: [
        ...wrap(colours.cyan(now ? `▸ ${now}${clock}` : `▸ Checking…${clock}`), columns, 2),
        ...coming.flatMap((sentence) => wrap(colours.dim(`· ${sentence}`), columns, 2)),
      ],
    },
    {
      key: 'patience',
      lines:
        seconds < 8
          ? []
          : wrap(
              'This takes long. A loop without an end? You can mend it and save: the check starts anew.',
              columns,
            ),
    },
  ]
}

function verdictSections(state: State, columns: number): Section[] {
  const { verdict, problem, chapter, typeFaults } = state
  if (problem) return [{ key: 'problem', lines: problem.split('\n').flatMap((line) => wrap(line, columns)) }]
  if (!verdict) return []
  const { checks, brokeOff, output } = verdict
  const failed = findFailedCheck(state)
  const faults = failed?.mistake === 'not-loaded' && failed.place ? [] : typeFaults
  return [
    ...checkSections(checks, columns),
    {
      key: 'finding',
      lines: [
        ...(failed
          ? details(failed).flatMap((line) => wrap(line, columns, line.startsWith('  ') ? 12 : 0))
          : []),
        ...(failed?.place ? snippetOf(chapter.folder, failed.place, columns) : []),
        ...(brokeOff ? wrap(brokeOff, columns) : []),
      ],
    },
    { key: 'printed', lines: output.trim() ? wrapCode(printedLines(output, 8), columns) : [] },
    ...faults.slice(0, 2).map(({ path, line, column, message }, index) => ({
      key: `types ${index}`,
      lines: [
        ...wrap(
          `TypeScript: ${message.split('\n')[0]} (${relative(chapter.folder, path)}:${line})`,
          columns,
          2,
        ),
        ...snippetOf(chapter.folder, `${path}:${line}:${column}`, columns),
        ...(index === 1 && faults.length > 2 ? [`… and ${faults.length - 2} more`] : []),
      ],
    })),
    ...hintSections(state, failed, columns),
    { key: 'next', lines: wrap(nextStep(state, failed), columns) },
  ]
}

function checkSections(checks: readonly Check[], columns: number): Section[] {
  return [{ key: 'checks', lines: checks.flatMap((check) => wrap(formatCheck(check), columns, 2)) }]
}

function hintSections({ hints }: State, failed: Check | undefined, columns: number): Section[] {
  const all = failed?.hints ?? []
  return all.slice(0, hints).map((hint, index) => ({
    key: `hint ${index}`,
    lines: wrap(`${colours.yellow(`Hint ${index + 1} of ${all.length}:`)} ${hint}`, columns),
  }))
}

function nextStep(state: State, failed: Check | undefined): string {
  const { verdict, watches } = state
  const again = watches ? 'Save, and it is checked again.' : 'r checks it again.'
  if (!verdict?.passed) return failed && state.hints === 0 ? `${again} Stuck? h gives a hint.` : again
  const next = nextOpen(state)
  const done = colours.green('Done: all checks pass.')
  if (state.passed.size === state.chapters.length)
    return `${done} That was the last one: n shows what comes next.`
  return next ? `${done} n goes on to ${next.number} · ${next.title}; s shows a solution beside yours.` : done
}
