import { setTimeout as sleep } from 'node:timers/promises'
import { EmbeddedPostgresError } from './errors.ts'
import type { ClusterFolder } from './folder.ts'
import { platform } from './platform/index.ts'
import { readPidFile } from './postmaster.ts'

const TIMEOUTS_MS = { fast: 20_000, immediate: 5_000 } as const

/**
 * Stops the server: ends the sessions, rolls transactions back and writes everything. If that takes too long, it is stopped
 * immediately, and the next start recovers what was committed.
 */
export async function shutDown(folder: ClusterFolder): Promise<void> {
  const server = await readPidFile(folder)
  if (!server || !(await platform.isPostmaster(server.pid, folder))) return
  for (const mode of ['fast', 'immediate'] as const) {
    const deadline = Date.now() + TIMEOUTS_MS[mode]
    await platform.stopPostmaster(server.pid, folder, mode, TIMEOUTS_MS[mode])
    if (await waitUntilStopped(server.pid, folder, deadline)) return
  }
  throw new EmbeddedPostgresError(
    `The embedded Postgres in ${folder.home} (process ${server.pid}) did not stop.`,
  )
}

async function waitUntilStopped(pid: number, folder: ClusterFolder, deadline: number): Promise<boolean> {
  do {
    if ((await readPidFile(folder))?.pid !== pid || !(await platform.isPostmaster(pid, folder))) return true
    await sleep(20)
  } while (Date.now() < deadline)
  return false
}
