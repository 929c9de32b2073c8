import { once } from 'node:events'
import type { Chapter } from './chapters.ts'
import { startCheck } from './check-process.ts'
import { endCheck, keepTrack, killCheck } from './end-check.ts'
import { type Check, type Report, readReport } from './report.ts'

export interface Verdict {
  readonly passed: boolean
  readonly checks: readonly Check[]
  /** What was printed beside the checks: the attempt's own lines. */
  readonly output: string
  /** Why the check has not come to its end, where it has not. */
  readonly brokeOff?: string
}

export interface CheckOptions {
  /** The folder of the chapter that is checked. @default 'exercise' */
  readonly attempt?: string
  /** Where the check makes its database. @default a server of its own, which takes a second or two to start */
  readonly postgresUrl?: string | undefined
  /** How long nothing new may be said, in milliseconds: more is an endless loop in what is checked. @default 60_000 */
  readonly patienceMs?: number
  /** Ends the check before its time; `check` then rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** What starts its process. @default a new one */
  readonly start?: typeof startCheck
  /** Is told what is known so far, each time there is something new. */
  readonly onChange?: (report: Report) => void
}

/** Runs a chapter's check in a process of its own, and reads what it says. */
export async function checkAttempt(chapter: Chapter, options: CheckOptions = {}): Promise<Verdict> {
  const { attempt = 'exercise', postgresUrl, patienceMs = 60_000, signal, onChange = () => {} } = options
  signal?.throwIfAborted()
  const { start = startCheck } = options
  const child = start(chapter, {
    CHAPTER_ATTEMPT: attempt,
    ...(postgresUrl && { TEST_POSTGRES_URL: postgresUrl }),
  })
  keepTrack(child)
  let report: Report = { checks: [], now: undefined, isOver: false }
  let output = ''
  let ending: Promise<void> | undefined
  const end = () => {
    ending ??= endCheck(child)
  }
  const patience = setTimeout(end, patienceMs)
  const killed = () => killCheck(child)
  signal?.addEventListener('abort', end)
  process.on('exit', killed)

  readReport(child.stdio[4] as NodeJS.ReadableStream, (news) => {
    if (ending) return
    report = news
    patience.refresh()
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
    const { checks, isOver } = report
    const passed = code === 0 && isOver && checks.some(({ state }) => state === 'passed')
    const failed = checks.some(({ state }) => state === 'failed')
    const brokeOff = ending
      ? tooLong(patienceMs, report)
      : passed || (isOver && failed)
        ? undefined
        : early(code, output)
    return { passed, checks, output, ...(brokeOff && { brokeOff }) }
  } finally {
    clearTimeout(patience)
    signal?.removeEventListener('abort', end)
    process.off('exit', killed)
  }
}

const OUTPUT_LIMIT = 100_000

function tooLong(patienceMs: number, { now }: Report): string {
  const what = now ? ` with “${now}”` : ''
  return `It did not come to an end in ${patienceMs / 1000} s${what}. Is there a loop without an end, or an \`await\` of something that never comes?`
}

function early(code: number | null, output: string): string {
  if (code === 0) return 'Its process ended early, with exit code 0. Does the code call `process.exit`?'
  const reason = output
    .trim()
    .split('\n')
    .find((line) => /^\w*Error\b/.test(line))
  return reason ? `The check broke off: ${reason}` : `Its process ended early, with exit code ${code}.`
}
