import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { tell } from './parent.ts'

/** How long is waited for what a program should say or answer, in milliseconds. */
const PATIENCE_MS = 20_000

/** What runs a TypeScript file in a process of its own: `[...TYPESCRIPT, file('server.ts')]`. */
export const TYPESCRIPT = [process.execPath, '--import', import.meta.resolve('tsx')]

export interface Program {
  readonly pid: number
  /** What it has printed so far, errors included. */
  printed(): string
  /** Waits until it has printed that, and answers with what was found. */
  says(pattern: RegExp, patienceMs?: number): Promise<RegExpExecArray>
  /** Asks until somebody is there to answer. */
  answers(url: string, patienceMs?: number): Promise<Response>
  /** Asks it to end, with all that it has started, and waits for that. */
  end(): Promise<void>
}

export interface ProgramOptions {
  readonly cwd?: string
  /** Beside the check's own; `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Starts a command. `atEnd(program.end)` ends it with the check. */
export async function startProgram(
  [command = '', ...args]: readonly string[],
  { cwd, env }: ProgramOptions = {},
): Promise<Program> {
  const child = spawn(command, args, {
    ...(cwd && { cwd }),
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that what it starts can be ended with it.
    detached: true,
  })
  await once(child, 'spawn')
  const pid = child.pid as number
  tell({ started: pid })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  let isOver = false
  const over = once(child, 'close').then(() => {
    isOver = true
  })

  /** Tries until there is something, the program is over, or the time is. */
  const until = async <T>(what: string, patienceMs: number, attempt: () => T | Promise<T>) => {
    const deadline = performance.now() + patienceMs
    for (;;) {
      const wasOver = isOver
      const found = await attempt()
      if (found) return found
      if (wasOver) throw new Error(`The program ended and never ${what}. It printed:\n${lastLines(text)}`)
      if (performance.now() > deadline)
        throw new Error(
          `In ${Math.round(patienceMs / 1000)} s the program never ${what}. It printed:\n${lastLines(text)}`,
        )
      await Promise.race([over, sleep(25)])
    }
  }

  return {
    pid,
    printed: () => text,
    says: (pattern, patienceMs = PATIENCE_MS) =>
      until(`said ${pattern}`, patienceMs, () => pattern.exec(text)) as Promise<RegExpExecArray>,
    answers: (url, patienceMs = PATIENCE_MS) =>
      until(`answered at ${new URL(url).host}`, patienceMs, () =>
        fetch(url, { signal: AbortSignal.timeout(patienceMs) }).catch(() => null),
      ) as Promise<Response>,
    end: async () => {
      signalGroup(pid, 'SIGTERM')
      const patience = sleep(3_000, undefined, { ref: false })
      await Promise.race([over, patience])
      // Whoever did not listen, and whoever outlived the one who started it.
      signalGroup(pid, 'SIGKILL')
      await over
      tell({ ended: pid })
    },
  }
}

const lastLines = (text: string) => text.trim().split('\n').slice(-12).join('\n')

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // Nobody is left in it.
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
