import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../test-support/ports.ts'
import { credentialsOf } from './data.ts'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The service as it is built, and what it is compared with. */
export const PROGRAMS = {
  service: [file('../../../examples/social-api/dist/src/server.js')],
  bare: ['--import', 'tsx', file('bare.ts')],
}
export type Side = keyof typeof PROGRAMS
export const SIDES = Object.keys(PROGRAMS) as Side[]

export interface Server {
  readonly url: string
  readonly pid: number
  /** From its start until it has answered a request. */
  readonly startedMs: number
  stop(): Promise<void>
}

/** Starts one process; it logs, and nobody reads it. */
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
  await firstAnswer(url, child)
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

async function firstAnswer(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) return void (await response.text())
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`)
}

export function logIn(url: string, user: number, signal: AbortSignal | null = null): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(`${url}/login`, { method: 'POST', headers, body: credentialsOf(user), signal })
}

const TICKS_PER_SECOND = 100

/** The CPU that a process has used, all its threads together, in milliseconds. Linux alone tells. */
export async function cpuOf({ pid }: Server): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // After the name, which may have spaces: its state, and eleven numbers on utime and stime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000
}

/** The memory that a process has resident, in MB. */
export async function memoryOf({ pid }: Server): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_000
}
