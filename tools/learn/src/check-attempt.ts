import { once } from 'node:events'
import type { Chapter } from './chapters.ts'
import { startCheck } from './check-process.ts'
import { endCheck, killCheck, trackPrograms } from './end-check.ts'
import { type Check, EMPTY_REPORT, type Report, readReport } from './report.ts'

export interface Verdict {
  readonly passed: boolean
  readonly checks: readonly Check[]
  /** The output of the attempt. */
  readonly output: string
}

export interface CheckOptions {
  /** The folder of the chapter that is checked. @default 'exercise' */
  readonly attempt?: string
  /** Where the checks create their database. @default an embedded Postgres, which takes a second or two to start */
  readonly postgresUrl?: Promise<string> | string | undefined
  /** How long one check may take, in milliseconds. @default 60_000 */
  readonly timeoutMs?: number
  /** Ends the checks early; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Starts the process of the checks. @default a new process */
  readonly start?: typeof startCheck
  /** Called after each change of the report. */
  readonly onChange?: (report: Report) => void
}

const OUTPUT_LIMIT = 100_000

/** Runs a chapter's checks in a separate process, and returns the verdict. */
export async function checkAttempt(chapter: Chapter, options: CheckOptions = {}): Promise<Verdict> {
  const { attempt = 'exercise', postgresUrl, timeoutMs = 60_000, signal, onChange = () => {} } = options
  signal?.throwIfAborted()
  const { start = startCheck } = options
  const child = start(chapter, {
    CHAPTER_ATTEMPT: attempt,
    ...(typeof postgresUrl === 'string' && { TEST_POSTGRES_URL: postgresUrl }),
    ...(postgresUrl instanceof Promise && { CHAPTER_WAITS_FOR_POSTGRES: 'true' }),
  })
  trackPrograms(child)
  let report = EMPTY_REPORT
  let output = ''
  let ending: Promise<void> | undefined
  const end = () => {
    ending ??= endCheck(child)
  }
  let postgresError: unknown
  if (postgresUrl instanceof Promise)
    postgresUrl.then(
      (url) => void (child.connected && child.send({ postgresUrl: url }, () => {})),
      (error) => {
        postgresError = error
        end()
      },
    )
  const timeout = setTimeout(end, timeoutMs)
  const kill = () => killCheck(child)
  signal?.addEventListener('abort', end)
  process.on('exit', kill)

  readReport(child.stdio[4] as NodeJS.ReadableStream, (changed) => {
    if (ending) return
    report = changed
    timeout.refresh()
    onChange(report)
  })
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      // A loop that prints would fill the memory.
      output = `${output}${text}`.slice(-OUTPUT_LIMIT)
    })
  try {
    const [code] = await once(child, 'close')
    await ending
    signal?.throwIfAborted()
    if (postgresError) throw postgresError
    const { hasEnded, running } = report
    const isComplete = hasEnded && (code === 0 || report.checks.some(({ state }) => state === 'failed'))
    const interruption = ending ? describeTimeout(running, timeoutMs) : describeEarlyEnd(code, output)
    const checks = isComplete ? report.checks : [...report.checks, interruptedCheck(running, interruption)]
    const passed = code === 0 && checks.length > 0 && checks.every(({ state }) => state === 'passed')
    return { passed, checks, output: withoutFramesOfTools(output) }
  } finally {
    clearTimeout(timeout)
    signal?.removeEventListener('abort', end)
    process.off('exit', kill)
  }
}

/** Returns the check during which the process ended, as a failed one. */
function interruptedCheck(running: Report['running'], interruption: Interruption): Check {
  const { sentence = 'all checks run', hints = HINTS_FOR_INTERRUPTION } = running ?? {}
  return { sentence, state: 'failed', hints, ...interruption }
}

const HINTS_FOR_INTERRUPTION = [
  'Look at your last change. Does it end the process or wait for something?',
  'Undo your last change. Does the check get any further?',
  'Compare the whole file with the one in `solution/`.',
]

type Interruption = Required<Pick<Check, 'mistake' | 'finding'>>

/** Does not blame the attempt: on a slow machine, the check may just need longer. */
function describeTimeout(running: Report['running'], timeoutMs: number): Interruption {
  const waitedFor = running ? `“${running.sentence}”` : 'the checks to start'
  return {
    mistake: 'timeout',
    finding: `Stopped after waiting ${timeoutMs / 1000} s for ${waitedFor}. If the machine is busy, check again. If the check stops here again, look for a loop that never ends or an \`await\` for something that never happens.`,
  }
}

function describeEarlyEnd(code: number | null, output: string): Interruption {
  const mistake = 'ended-early'
  if (code === 0)
    return {
      mistake,
      finding: 'The process ended early, with exit code 0. Does the code call `process.exit`?',
    }
  const reason = output
    .trim()
    .split('\n')
    .find((line) => /^\w*Error\b/.test(line))
  return {
    mistake,
    finding: `The process ended early, with exit code ${code}${reason ? `: ${reason}` : '.'}`,
  }
}

/** Removes the lines of printed stacks that are in the checks or below them. The attempt's own frames stay. */
const withoutFramesOfTools = (output: string) =>
  output.replaceAll(
    /^ {4}at .*(?:\/docs\/check\/|\/check\.test\.ts|\/node_modules\/tsx\/|node:internal).*\n?/gm,
    '',
  )
