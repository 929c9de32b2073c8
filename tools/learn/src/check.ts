import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { Parser, type Result } from 'tap-parser'
import { CHECKOUT, type Chapter } from './chapters.ts'

/** How long a check may take, in milliseconds: more is an endless loop in what is checked. */
const PATIENCE_MS = 60_000

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
}

/** Runs a chapter's check in a process of its own, and reads what it says. */
export async function check(chapter: Chapter, options: CheckOptions = {}): Promise<Verdict> {
  const { attempt = 'exercise', postgresUrl } = options
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), 'check.test.ts'], {
    cwd: chapter.folder,
    env: {
      ...process.env,
      CHAPTER_ATTEMPT: attempt,
      TSX_TSCONFIG_PATH: resolve(CHECKOUT, 'tsconfig.dev.json'),
      ...(postgresUrl && { TEST_POSTGRES_URL: postgresUrl }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  })
  const claims: Claim[] = []
  let output = ''
  const parser = new Parser()
  parser.on('assert', (result) => claims.push(claimOf(result)))
  parser.on('extra', (line: string) => {
    output += line
  })
  child.stdout.pipe(parser)
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code, signal] = await once(child, 'close')
  if (signal) output += `The check was ended after ${PATIENCE_MS / 1000} s: is there an endless loop?\n`
  return { passed: code === 0 && claims.some(({ state }) => state === 'holds'), claims, output }
}

function claimOf({ ok, skip, name, diag }: Result): Claim {
  if (ok) return { sentence: name, state: skip ? 'not looked at' : 'holds' }
  return { sentence: name, state: 'does not hold', ...pick(diag ?? {}) }
}

function pick({ mistake, finding, expected, came, hints }: Record<string, unknown>) {
  const members = { mistake, finding, expected, came, hints }
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
