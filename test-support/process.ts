import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import blankSpace from 'ts-blank-space'
import { secretsHunt } from './secrets.ts'

export const CHECKOUT = resolve(import.meta.dirname, '..')

/** The service as it is built. */
export const SERVER = [process.execPath, resolve(CHECKOUT, 'examples/social-api/dist/src/server.js')]

/** The line of its log that has its URL. */
export const LISTENS = /Server listening at (http:\/\/[\d.:]+)/

/** What is begun is ended with it: a tap test is one. */
export interface Scope {
  teardown(end: () => unknown): void
}

export interface Running {
  child: ChildProcess
  /** Standard output and error, so far. */
  output(): string
  /** Waits for a line, and answers with what the pattern's group found. */
  says(pattern: RegExp): Promise<string>
  /** Waits for the end, and answers with the exit code. */
  ends(): Promise<number | null>
}

export interface RunOptions {
  cwd?: string
  stdio?: StdioOptions
  /** Whether what it hears and answers is searched for secrets, and not only what it prints: that costs time and memory. */
  isOverheard?: boolean
}

/** Runs a command until the scope is over, with nothing of this environment but PATH: no LANG, no HOME, no DATABASE_URL. */
export function run(
  scope: Scope,
  [command = '', ...args]: string[],
  env: Record<string, string> = {},
  { cwd = CHECKOUT, stdio = 'pipe', isOverheard = true }: RunOptions = {},
): Running {
  const hunt = huntInProcess(env)
  const overheard = isOverheard ? hunt.env : {}
  const child = spawn(command, args, {
    cwd,
    stdio,
    env: { PATH: process.env.PATH, PORT: '0', ...overheard, ...env },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      child.emit('said')
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  // A test that crashes runs no teardown.
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  scope.teardown(async () => {
    child.kill('SIGTERM')
    await ended
    hunt.end(text)
  })
  const says = async (pattern: RegExp) => {
    for (;;) {
      const found = pattern.exec(text)
      if (found) return found[1] ?? found[0]
      await Promise.race([
        once(child, 'said'),
        ended.then((code) => {
          if (!pattern.test(text)) throw new Error(`ended with ${code} and never said ${pattern}:\n${text}`)
        }),
      ])
    }
  }
  return { child, output: () => text, says, ends: () => ended }
}

/**
 * A process that is started with `env` tells what it hears and answers. `end`, with all that it printed, throws where it
 * has shown a secret: of its environment, or of any request or answer.
 */
export function huntInProcess(env: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'overheard-'))
  const file = join(folder, 'exchanges')
  const source = blankSpace(readFileSync(join(import.meta.dirname, 'overhear.ts'), 'utf8'))
  const module = `data:text/javascript;base64,${Buffer.from(source).toString('base64')}`
  return {
    env: { NODE_OPTIONS: `--import=${module}`, OVERHEARD: file },
    end(printed: string): void {
      const hunt = secretsHunt()
      for (const secret of secretsOf(env)) hunt.add('secret', secret)
      const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
      rmSync(folder, { recursive: true })
      for (const line of lines) hunt.hear(JSON.parse(line))
      for (const line of printed.split('\n')) hunt.print(line)
      const found = hunt.found()
      if (found.length > 0) throw new Error(`The service showed what is secret:\n${found.join('\n')}`)
    },
  }
}

/** What its environment has that nobody else may see. */
function secretsOf({ JWT_SECRET, ...env }: Record<string, string>): string[] {
  const { DATABASE_URL: url = '' } = env
  const password = URL.canParse(url) ? new URL(url).password : ''
  // A short one is found in any text.
  return [JWT_SECRET ?? '', password].filter(({ length }) => length >= 8)
}
