import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createSecretScanner, failOnSecrets } from './secrets.ts'
import { stripTypes } from './strip-types/cache.js'

export const CHECKOUT = resolve(import.meta.dirname, '..')

/** The command that starts the built service. */
export const SERVER = [process.execPath, resolve(CHECKOUT, 'examples/social-api/dist/src/server.js')]

/** Matches the line of its log that has its URL. */
export const LISTENS = /Server listening at (http:\/\/[\d.:]+)/

const source = await stripTypes(readFileSync(join(import.meta.dirname, 'record-traffic.ts'), 'utf8'))
const RECORD_TRAFFIC = `data:text/javascript;base64,${Buffer.from(source).toString('base64')}`

/** A lifetime, such as that of a tap test, whose teardown ends everything that began in it. */
export interface Scope {
  teardown(end: () => unknown): void
}

export interface Running {
  child: ChildProcess
  /** Standard output and standard error so far. */
  output(): string
  /** Waits for a match of the pattern, and returns its first group, or all of it. */
  waitForOutput(pattern: RegExp): Promise<string>
  /** Waits for the end of the process, and returns the exit code. */
  waitForExit(): Promise<number | null>
}

export interface RunOptions {
  cwd?: string
  stdio?: StdioOptions
  /** True if its requests and responses are searched for secrets too, which costs time and memory. @default true */
  isRecorded?: boolean
}

/** Runs a command until the scope ends. It gets only PATH of this environment: no LANG, HOME or DATABASE_URL. */
export function run(
  scope: Scope,
  [command = '', ...args]: string[],
  env: Record<string, string> = {},
  { cwd = CHECKOUT, stdio = 'pipe', isRecorded = true }: RunOptions = {},
): Running {
  const scanner = createProcessScanner(env)
  const recording = isRecorded ? scanner.env : {}
  const child = spawn(command, args, {
    cwd,
    stdio,
    env: { PATH: process.env.PATH, PORT: '0', ...recording, ...env },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      child.emit('output')
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
    scanner.end(text)
  })
  const waitForOutput = async (pattern: RegExp) => {
    for (;;) {
      const found = pattern.exec(text)
      if (found) return found[1] ?? found[0]
      await Promise.race([
        once(child, 'output'),
        ended.then((code) => {
          if (!pattern.test(text))
            throw new Error(`The process ended with ${code} before it printed ${pattern}:\n${text}`)
        }),
      ])
    }
  }
  return { child, output: () => text, waitForOutput, waitForExit: () => ended }
}

/**
 * Searches the traffic and the output of a process for secrets. Start the process with `env`; then `end`, called with
 * everything that it printed, throws if it exposed a secret of its environment, of a request or of a response.
 */
export function createProcessScanner(env: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'traffic-'))
  const file = join(folder, 'traffic')
  return {
    env: { NODE_OPTIONS: `--import=${RECORD_TRAFFIC}`, TRAFFIC_FILE: file },
    end(printed: string): void {
      const scanner = createSecretScanner()
      for (const secret of readSecrets(env)) scanner.add('secret', secret)
      const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
      rmSync(folder, { recursive: true })
      for (const line of lines) scanner.addTraffic(JSON.parse(line))
      for (const line of printed.split('\n')) scanner.addOutput(line)
      failOnSecrets(scanner)
    },
  }
}

/** Returns the secrets in the environment of a process. */
function readSecrets({ JWT_SECRET, ...env }: Record<string, string>): string[] {
  const { DATABASE_URL: url = '' } = env
  const password = URL.canParse(url) ? new URL(url).password : ''
  // A short value occurs in any text.
  return [JWT_SECRET ?? '', password].filter(({ length }) => length >= 8)
}
