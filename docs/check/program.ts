import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { signalTree, treeOptions } from '@auth-primer/tool-processes'
import { reportProgram } from './report.ts'

export { freePort } from '../../test-support/ports.ts'

/** How long to wait for the output or the response of a program. */
const PROGRAM_TIMEOUT_MS = 20_000

/** How long a program may take to end after SIGTERM, before SIGKILL. */
const END_TIMEOUT_MS = 3_000

/** The command that runs a TypeScript file in a separate process: `[...TYPESCRIPT, file('server.ts')]`. */
export const TYPESCRIPT = [process.execPath, '--import', import.meta.resolve('tsx')]

export interface Program {
  readonly pid: number
  /** Returns what it has printed so far, including errors. */
  output(): string
  /** Waits until the output matches. */
  waitForOutput(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  /** Requests the URL until there is a response. */
  waitForResponse(url: string, timeoutMs?: number): Promise<Response>
  /** Ends the program and everything it has started, and waits for their end. */
  end(): Promise<void>
}

export interface ProgramOptions {
  readonly cwd?: string
  /** True if the command is one string, for the shell of the system. */
  readonly shell?: boolean
  /** Added to the environment of the check; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Starts a command. `atEnd(program.end)` ends it with the check. */
export async function startProgram(
  [command = '', ...args]: readonly string[],
  { cwd, env, shell = false }: ProgramOptions = {},
): Promise<Program> {
  const child = spawn(command, args, {
    ...(cwd && { cwd }),
    shell,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...treeOptions,
  })
  await once(child, 'spawn')
  const pid = child.pid as number
  reportProgram({ started: pid })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  let hasEnded = false
  const ended = once(child, 'close').then(() => {
    hasEnded = true
  })

  /** Tries until `attempt` returns something, the program ends, or the time is over. */
  const waitUntil = async <T>(goal: string, timeoutMs: number, attempt: () => T | Promise<T>) => {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const hadEnded = hasEnded
      const found = await attempt()
      if (found) return found
      const printed = `It printed:\n${lastLines(output)}`
      if (hadEnded) throw new Error(`The program ended before it ${goal}. ${printed}`)
      if (performance.now() > deadline)
        throw new Error(`After ${Math.round(timeoutMs / 1000)} s, the program had not ${goal}. ${printed}`)
      await Promise.race([ended, sleep(25)])
    }
  }

  return {
    pid,
    output: () => output,
    waitForOutput: (pattern, timeoutMs = PROGRAM_TIMEOUT_MS) =>
      waitUntil(`printed ${pattern}`, timeoutMs, () => pattern.exec(output)) as Promise<RegExpExecArray>,
    waitForResponse: (url, timeoutMs = PROGRAM_TIMEOUT_MS) =>
      waitUntil(`responded at ${new URL(url).host}`, timeoutMs, () =>
        fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).catch(() => null),
      ) as Promise<Response>,
    end: async () => {
      signalTree(pid, 'SIGTERM')
      await Promise.race([ended, sleep(END_TIMEOUT_MS, undefined, { ref: false })])
      // Also ends programs that ignore SIGTERM or have outlived the one that started them.
      signalTree(pid, 'SIGKILL')
      await ended
      reportProgram({ ended: pid })
    },
  }
}

/** The last lines that a reader can use: without the stack of an error, and the version of Node below it. */
const lastLines = (text: string) =>
  text
    .trim()
    .split('\n')
    .filter((line) => !/^\s+at |^Node\.js v/.test(line))
    .slice(-12)
    .join('\n')
    .trim()
