import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { EmbeddedPostgresError, readCode } from './errors.ts'
import { type ClusterFolder, clusterFolder, isInitialised } from './folder.ts'
import { runInitdb } from './initdb.ts'
import { platform } from './platform/index.ts'

export type Log = (message: string) => void

/**
 * Creates the cluster if there is none yet: in a folder next to it, which is then renamed. So a cluster is always complete. If
 * two processes create one at the same time, one of them deletes its own.
 */
export async function initialise(folder: ClusterFolder, durable: boolean, log: Log): Promise<void> {
  if (isInitialised(folder)) return
  await createDataFolder(path.dirname(folder.home))
  await removeLeftovers(path.dirname(folder.home))
  log(`Creating a new database cluster in ${folder.home}`)
  const created = clusterFolder(`${folder.home}.${process.pid}.${randomBytes(6).toString('hex')}`)
  try {
    await runInitdb(created, durable)
    await putInPlace(created, folder, log)
  } finally {
    await rm(created.home, { recursive: true, force: true, maxRetries: 10 })
  }
}

async function createDataFolder(dir: string): Promise<void> {
  try {
    await createFolder(dir)
  } catch (error) {
    throw new EmbeddedPostgresError(
      `The data folder ${dir} cannot be created (${readCode(error)}). Set AUTH_PRIMER_DATA_DIR to a folder that exists or can be created.`,
    )
  }
}

/** Creates a folder and those above it. With `recursive: true`, Node 20 never comes to an end under `/proc`. */
async function createFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 })
  } catch (error) {
    if (readCode(error) === 'EEXIST' && (await stat(dir)).isDirectory()) return
    if (readCode(error) !== 'ENOENT' || path.dirname(dir) === dir) throw error
    await createFolder(path.dirname(dir))
    await mkdir(dir, { mode: 0o700 }).catch((error) => {
      if (readCode(error) !== 'EEXIST') throw error
    })
  }
}

async function putInPlace(created: ClusterFolder, folder: ClusterFolder, log: Log): Promise<void> {
  for (;;) {
    try {
      return await platform.rename(created.home, folder.home)
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(readCode(error) ?? '')) throw error
    }
    if (isInitialised(folder)) return
    await moveAside(folder, log)
  }
}

/** Keeps an incomplete folder, because it may contain data that somebody needs. */
async function moveAside(folder: ClusterFolder, log: Log): Promise<void> {
  const aside = clusterFolder(`${folder.home}-half-made-${randomBytes(6).toString('hex')}`)
  await platform.rename(folder.home, aside.home).catch((error) => {
    if (readCode(error) !== 'ENOENT') throw error
  })
  // Another process may have put a complete one there in the meantime.
  if (isInitialised(aside)) await platform.rename(aside.home, folder.home)
  else log(`Moved an incomplete database cluster to ${aside.home}`)
}

/** Removes the folders of processes that were killed while they created a cluster. */
async function removeLeftovers(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const pid = Number(/^postgres\.(\d+)\.[0-9a-f]{12}$/.exec(name)?.[1])
    // An initdb whose parent was killed may still be writing. The next start removes what it leaves.
    if (pid && !isAlive(pid)) await rm(path.join(dir, name), { recursive: true, force: true }).catch(() => {})
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return readCode(error) !== 'ESRCH'
  }
}
