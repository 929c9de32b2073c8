import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, EmbeddedPostgresError } from './errors.ts'
import type { ClusterFolder } from './folder.ts'
import { isPostmaster, readPidFile } from './postmaster.ts'

const FAST_MS = 20_000
const IMMEDIATE_MS = 5_000

/**
 * Stops the server: sessions are ended, transactions rolled back, everything is written. One that takes too
 * long is stopped at once; what was committed is then recovered at the next start.
 */
export async function shutDown(folder: ClusterFolder): Promise<void> {
  const server = await readPidFile(folder)
  if (!server || !(await isPostmaster(server.pid, folder))) return
  for (const [signal, patience] of [
    ['SIGINT', FAST_MS],
    ['SIGQUIT', IMMEDIATE_MS],
  ] as const) {
    try {
      process.kill(server.pid, signal)
    } catch (error) {
      if (codeOf(error) === 'ESRCH') return
      throw error
    }
    if (await hasStopped(server.pid, folder, patience)) return
  }
  throw new EmbeddedPostgresError(
    `The embedded Postgres in ${folder.home} (process ${server.pid}) did not stop.`,
  )
}

async function hasStopped(pid: number, folder: ClusterFolder, patience: number): Promise<boolean> {
  const deadline = Date.now() + patience
  while (Date.now() < deadline) {
    if ((await readPidFile(folder))?.pid !== pid || !(await isPostmaster(pid, folder))) return true
    await sleep(20)
  }
  return false
}
