import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { codeOf, EmbeddedPostgresError } from './errors.ts'
import { type ClusterFolder, clusterFolder, isInitialised } from './folder.ts'
import { runInitdb } from './initdb.ts'

export type Log = (message: string) => void

/**
 * Makes the cluster if there is none yet: in a folder beside it, which is then renamed, so that one that is
 * there is finished, and of two processes that make one at the same time one throws its own away.
 */
export async function initialise(folder: ClusterFolder, durable: boolean, log: Log): Promise<void> {
  if (isInitialised(folder)) return
  await makeDataFolder(path.dirname(folder.home))
  await removeLeftovers(path.dirname(folder.home))
  log(`Creating a new database cluster in ${folder.home}`)
  const made = clusterFolder(`${folder.home}.${process.pid}.${randomBytes(6).toString('hex')}`)
  try {
    await runInitdb(made, durable)
    await putInPlace(made, folder, log)
  } finally {
    await rm(made.home, { recursive: true, force: true })
  }
}

async function makeDataFolder(dir: string): Promise<void> {
  try {
    await makeFolder(dir)
  } catch (error) {
    throw new EmbeddedPostgresError(
      `The data folder ${dir} cannot be created (${codeOf(error)}). Set AUTH_PRIMER_DATA_DIR to a folder that exists or can be created.`,
    )
  }
}

/** With the folders above it. Not by `recursive: true`, which under `/proc` never comes to an end (Node 20). */
async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await stat(dir)).isDirectory()) return
    if (codeOf(error) !== 'ENOENT' || path.dirname(dir) === dir) throw error
    await makeFolder(path.dirname(dir))
    await mkdir(dir, { mode: 0o700 }).catch((error) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
  }
}

async function putInPlace(made: ClusterFolder, folder: ClusterFolder, log: Log): Promise<void> {
  for (;;) {
    try {
      return await rename(made.home, folder.home)
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error) ?? '')) throw error
    }
    if (isInitialised(folder)) return
    await moveAside(folder, log)
  }
}

/** What is in the way may be worth something to somebody: it is kept. */
async function moveAside(folder: ClusterFolder, log: Log): Promise<void> {
  const aside = clusterFolder(`${folder.home}-half-made-${randomBytes(6).toString('hex')}`)
  await rename(folder.home, aside.home).catch((error) => {
    if (codeOf(error) !== 'ENOENT') throw error
  })
  // Another process may have put a finished one there since we looked.
  if (isInitialised(aside)) await rename(aside.home, folder.home)
  else log(`Moved an incomplete database cluster to ${aside.home}`)
}

/** Removes what processes that were killed while they made a cluster have left. */
async function removeLeftovers(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const pid = Number(/^postgres\.(\d+)\.[0-9a-f]{12}$/.exec(name)?.[1])
    // An initdb whose parent was killed may still be writing: what it leaves goes the next time.
    if (pid && !isAlive(pid)) await rm(path.join(dir, name), { recursive: true, force: true }).catch(() => {})
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) !== 'ESRCH'
  }
}
