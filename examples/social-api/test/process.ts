import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

export const CHECKOUT = resolve(import.meta.dirname, '../../..')

/** The service as it is built. */
export const SERVER = [process.execPath, resolve(CHECKOUT, 'examples/social-api/dist/server.js')]

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

/** Runs a command until the scope is over, with nothing of this environment but PATH: no LANG, no HOME, no DATABASE_URL. */
export function run(
  scope: Scope,
  [command = '', ...args]: string[],
  env: Record<string, string> = {},
  cwd = CHECKOUT,
  stdio: StdioOptions = 'pipe',
): Running {
  const child = spawn(command, args, { cwd, stdio, env: { PATH: process.env.PATH, PORT: '0', ...env } })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      child.emit('said')
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  scope.teardown(async () => {
    child.kill('SIGTERM')
    await ended
    const shown = secretsOf(env).filter((secret) => text.includes(secret))
    if (shown.length > 0) throw new Error(`The service printed ${shown.length} of its secrets:\n${text}`)
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

/** What its environment has that nobody else may see. */
function secretsOf({ JWT_SECRET, ...env }: Record<string, string>): string[] {
  const passwords = [env.DATABASE_URL, env.DATABASE_READ_URL, env.REDIS_URL].map((url) =>
    url && URL.canParse(url) ? new URL(url).password : '',
  )
  // A short one is found in any text.
  return [JWT_SECRET ?? '', ...passwords].filter(({ length }) => length >= 8)
}
