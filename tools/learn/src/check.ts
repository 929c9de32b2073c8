import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { Parser, type Result } from 'tap-parser'
import { CHECKOUT, type Chapter } from './chapters.ts'

export interface Verdict {
  readonly passed: boolean
  readonly claims: readonly Claim[]
  /** What the check printed beside its claims: the attempt's own lines, or why it broke off. */
  readonly output: string
}

export interface Claim {
  readonly sentence: string
  readonly state: 'holds' | 'does not hold' | 'not looked at'
  /** The rest is there where it does not hold. What has probably been done; `bad/<mistake>/` is an example. */
  readonly mistake?: string
  readonly finding?: string
  readonly expected?: string
  readonly came?: string
  /** From where to look, over what to do, to nearly the code. */
  readonly hints?: readonly string[]
}

export interface CheckOptions {
  /** The folder of the chapter that is checked. @default 'exercise' */
  readonly attempt?: string
  /** Where the check makes its database. @default a server of its own, which takes a second or two to start */
  readonly postgresUrl?: string | undefined
  /** In milliseconds: more is an endless loop in what is checked. @default 60_000 */
  readonly patienceMs?: number
}

/** Runs a chapter's check in a process of its own, and reads what it says. */
export async function check(chapter: Chapter, options: CheckOptions = {}): Promise<Verdict> {
  const { attempt = 'exercise', postgresUrl, patienceMs = 60_000 } = options
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), 'check.test.ts'], {
    cwd: chapter.folder,
    env: {
      ...process.env,
      CHAPTER_ATTEMPT: attempt,
      // Patience is this process's: tap's own would end the check without a word of why.
      TAP_TIMEOUT: '0',
      TSX_TSCONFIG_PATH: resolve(CHECKOUT, 'tsconfig.dev.json'),
      ...(postgresUrl && { TEST_POSTGRES_URL: postgresUrl }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: patienceMs,
    killSignal: 'SIGKILL',
  })
  const claims: Claim[] = []
  let output = ''
  const parser = new Parser()
  parser.on('assert', (result) => claims.push(claimOf(result)))
  let isOver = false
  parser.on('comment', (line: string) => {
    if (line.trim() === '# the check is over') isOver = true
  })
  parser.on('extra', (line: string) => {
    output += line
  })
  child.stdout.pipe(parser)
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code, signal] = await once(child, 'close')
  if (signal)
    output += `It did not come to an end in ${patienceMs / 1000} s. Is there a loop without an end, or an \`await\` of something that never comes?\n`
  else if (code === 0 && !isOver)
    output += `Its process ended early, with exit code ${code}. Does the code call \`process.exit\`?\n`
  return { passed: code === 0 && isOver && claims.some(({ state }) => state === 'holds'), claims, output }
}

function claimOf({ ok, skip, name, diag }: Result): Claim {
  if (ok) return { sentence: name, state: skip ? 'not looked at' : 'holds' }
  return { sentence: name, state: 'does not hold', ...pick(diag ?? {}) }
}

function pick({ mistake, finding, expected, came, hints }: Record<string, unknown>) {
  const members = { mistake, finding, expected, came, hints }
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
