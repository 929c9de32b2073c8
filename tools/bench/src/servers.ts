import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../test-support/ports.ts'
import { formatCredentials } from './data.ts'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The built service, and the baseline. */
export const PROGRAMS = {
  service: [file('../../../examples/social-api/dist/src/server.js')],
  bare: ['--import', 'tsx', file('bare.ts')],
}
export type Side = keyof typeof PROGRAMS
export const SIDES = Object.keys(PROGRAMS) as Side[]

export interface Server {
  readonly url: string
  readonly pid: number
  /** The time from its start until its first response. */
  readonly startedMs: number
  stop(): Promise<void>
}

/** Starts one process. Its log is discarded. */
export async function startServer(
  side: Side,
  env: Record<string, string>,
  nodeArgs: string[] = [],
): Promise<Server> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const started = performance.now()
  const child = spawn(process.execPath, [...nodeArgs, ...PROGRAMS[side]], {
    env: { PATH: process.env.PATH, ...env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit')
  await waitForResponse(url, child)
  return {
    url,
    pid: child.pid as number,
    startedMs: performance.now() - started,
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function waitForResponse(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) return void (await response.text())
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`)
}

export function logIn(url: string, user: number, signal: AbortSignal | null = null): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(`${url}/login`, { method: 'POST', headers, body: formatCredentials(user), signal })
}

const TICKS_PER_SECOND = 100

/** Returns the CPU time of all threads of a process, in milliseconds. Linux only. */
export async function readCpuTime({ pid }: Server): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // After the name, which may contain spaces: the state, ten other fields, and then utime and stime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000
}

/** Returns the resident memory of a process, in MB. */
export async function readMemory({ pid }: Server): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_000
}
