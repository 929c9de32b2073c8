import colors from 'picocolors'
import { type Section, wrap } from '../../../learn/src/watch/section.ts'
import { formatCheck, formatFailure, pagePath } from '../print.ts'
import type { CheckResult } from '../run.ts'
import { findShown, isPassed, listFailed, type State } from './state.ts'

const KEYS = {
  stage: ['h hint', 'f next failure', 'r run', 'n next stage', 'p previous', 'l list', 'q quit'],
  list: ['↑ ↓ move', 'enter open', 'l back', 'q quit'],
} as const
/** The labels of `formatFailure` are this wide. */
const LABEL_WIDTH = 10

/** Shows the page, without the foot. */
export function viewPage(state: State, columns: number): Section[] {
  const sections = state.page === 'list' ? [viewList(state, columns)] : viewStage(state, columns)
  return sections.filter(({ lines }) => lines.length > 0)
}

function viewList(state: State, columns: number): Section {
  const lines = state.stages.flatMap((stage, index) => {
    const mark = isPassed(state, stage) ? colors.green('✓') : '·'
    const here = stage === state.stage ? colors.dim(' (you are here)') : ''
    const isSelected = index === state.selected
    const line = `${isSelected ? '>' : ' '} ${mark} ${stage.number} ${stage.title}${here}`
    return wrap(isSelected ? colors.bold(line) : line, columns, 7)
  })
  return { key: 'list', lines }
}

function viewStage(state: State, columns: number): Section[] {
  const { stage, results, problem, notice } = state
  const title = { key: 'title', lines: wrap(colors.bold(`${stage.number} · ${stage.title}`), columns, 5) }
  const page = { key: 'page', lines: wrap(`Read ${pagePath(stage)}`, columns, 5) }
  const checks = results.get(stage.number)?.results ?? []
  return [
    title,
    page,
    { key: 'checks', lines: checks.flatMap((check, index) => viewCheck(check, checks[index + 1], columns)) },
    viewFailure(state, columns),
    { key: 'problem', lines: problem ? problem.split('\n').flatMap((line) => wrap(line, columns)) : [] },
    viewRunning(state, columns),
    { key: 'notice', lines: notice ? wrap(colors.cyan(notice), columns) : [] },
    { key: 'next', lines: wrap(describeNextStep(state), columns) },
  ]
}

function viewCheck(result: CheckResult, next: CheckResult | undefined, columns: number): string[] {
  return formatCheck(result, next).flatMap((line) => wrap(line, columns, 2))
}

/** Shows one failed check: what was sent, expected and received, and the hints that were asked for. */
function viewFailure(state: State, columns: number): Section {
  const shown = findShown(state)
  const failed = listFailed(state)
  if (!shown?.failure) return { key: 'failure', lines: [] }
  const { check, failure } = shown
  const position = failed.length > 1 ? ` (failure ${failed.indexOf(shown) + 1} of ${failed.length})` : ''
  const hints = check.hints.slice(0, state.hints)
  return {
    key: 'failure',
    lines: [
      ...(failed.length > 1 ? wrap(`${check.title}${colors.dim(position)}`, columns) : []),
      ...formatFailure(failure).flatMap((line) => wrap(line, columns, LABEL_WIDTH)),
      ...hints.flatMap((hint, index) =>
        wrap(`${colors.yellow(`Hint ${index + 1} of ${check.hints.length}:`)} ${hint}`, columns),
      ),
    ],
  }
}

function viewRunning({ running, stage }: State, columns: number): Section {
  const text =
    running?.check === undefined
      ? 'Waiting for the server'
      : `${running.stage === stage ? '' : `${running.stage?.number} · `}${running.check.title}`
  return { key: 'running', isLive: true, lines: running ? wrap(colors.cyan(`▸ ${text}`), columns, 2) : [] }
}

function describeNextStep(state: State): string {
  const { running, results, stage, stages, hints } = state
  if (running) return ''
  const result = results.get(stage.number)
  if (result === undefined && stage.isCostly)
    return 'This stage uses up login attempts of your server, so it is checked only if you press r.'
  if (stages.every((each) => isPassed(state, each))) return colors.green('All stages pass.')
  if (result?.isPassed) return `${colors.green('This stage passes.')} Press n to continue with the next one.`
  const isStuck = listFailed(state).length > 0 && hints === 0
  return `Save to check again.${isStuck ? ' Stuck? Press h for a hint.' : ''}`
}

/** Shows the progress, and the keys of this page. */
export function viewFoot(state: State, columns: number): string[] {
  const keys = KEYS[state.page].map((key) => key.replace(/^\S+(?: ↓)?/, colors.bold)).join(' · ')
  return [...viewProgress(state, columns), ...wrap(keys, columns)]
}

function viewProgress(state: State, columns: number): string[] {
  const { stages } = state
  const passed = stages.filter((stage) => isPassed(state, stage)).length
  const words = `${passed} of ${stages.length} stages`
  const width = Math.min(2 * stages.length, columns - words.length - 2)
  if (width < 5) return wrap(words, columns)
  const full = Math.floor((passed / stages.length) * width)
  return [`${colors.green('█'.repeat(full))}${colors.dim('░'.repeat(width - full))}  ${words}`]
}
