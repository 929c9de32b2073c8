import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, connect } from './connect.ts'
import { EmbeddedPostgresError } from './errors.ts'
import type { ClusterFolder } from './folder.ts'
import { platform } from './platform/index.ts'
import { readPidFile } from './postmaster.ts'

/** Resolves to a connection as soon as this folder's server accepts one, or to `undefined` if no server is running. */
export async function connectIfRunning(
  folder: ClusterFolder,
  deadline: number,
): Promise<Connection | undefined> {
  for (;;) {
    const server = await readPidFile(folder)
    if (!server || !(await platform.isPostmaster(server.pid, folder))) return undefined
    try {
      return await connect(folder)
    } catch (error) {
      if (error instanceof EmbeddedPostgresError) throw error
      if (Date.now() > deadline) {
        const reason = error instanceof Error ? error.message : error
        throw new EmbeddedPostgresError(
          `The embedded Postgres in ${folder.home} (process ${server.pid}) is running but not responding: ${reason}`,
        )
      }
    }
    await sleep(50)
  }
}
