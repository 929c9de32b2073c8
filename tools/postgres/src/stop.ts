import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from './connect.ts'
import { connectIfRunning } from './connect-if-running.ts'
import { readCode } from './errors.ts'
import { type ClusterFolder, clusterFolder, clusterIn, isInitialised } from './folder.ts'
import { countAttached, holdExclusive } from './lock.ts'
import { platform } from './platform/index.ts'
import { shutDown } from './shut-down.ts'

const TIMEOUT_MS = 30_000

export interface StopOptions {
  /** The folder given to `attachPostgres`. */
  readonly dir: string
  /** True to stop it although processes are attached. @default false */
  readonly force?: boolean
}

export interface StopResult {
  readonly outcome: 'stopped' | 'not running' | 'in use'
  /** How many processes were attached. */
  readonly attached: number
}

/**
 * Stops the embedded Postgres unless processes are attached to it. In either case, nothing keeps it running after that: the
 * last process that leaves stops it.
 */
export async function stopPostgres(options: StopOptions): Promise<StopResult> {
  const folder = clusterIn(options.dir)
  if (!isInitialised(folder)) return { outcome: 'not running', attached: 0 }
  await rm(folder.keepRunning, { force: true })
  return stopThen(folder, options, () => shutDown(folder))
}

/** Deletes the database cluster with everything in it, unless processes are attached to it. */
export async function resetPostgres(options: StopOptions): Promise<StopResult> {
  const folder = clusterIn(options.dir)
  // Renamed while no process can attach. A process that comes later finds no cluster, and creates a new one.
  const gone = clusterFolder(`${folder.home}-deleted-${randomBytes(6).toString('hex')}`)
  const removeAll = async () => {
    if (!platform.renamesOpenFolders) await shutDown(folder)
    await platform.rename(folder.home, gone.home).catch((error) => {
      if (readCode(error) !== 'ENOENT') throw error
    })
    await shutDown(gone).finally(() => rm(gone.home, { recursive: true, force: true, maxRetries: 5 }))
  }
  const result = await stopThen(folder, options, removeAll)
  if (result.outcome === 'not running') await removeAll()
  return result
}

async function stopThen(
  folder: ClusterFolder,
  { force }: StopOptions,
  stop: () => Promise<void>,
): Promise<StopResult> {
  const deadline = Date.now() + TIMEOUT_MS
  for (;;) {
    const client = await connectIfRunning(folder, deadline)
    if (!client) return { outcome: 'not running', attached: 0 }
    try {
      const others = await countOthers(client)
      if (others === 0 || (others && force)) {
        await stop()
        return { outcome: 'stopped', attached: others }
      }
      if (others) return { outcome: 'in use', attached: others }
    } finally {
      await client.end().catch(() => {})
    }
    await sleep(50)
  }
}

/**
 * Returns how many other processes are attached. After 0, none can attach while the connection is open. `undefined` means that
 * the last process is stopping the server.
 */
async function countOthers(client: Connection): Promise<number | undefined> {
  try {
    return (await holdExclusive(client)) ? 0 : (await countAttached(client)) || undefined
  } catch {
    return undefined
  }
}
