import { mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { attachPostgres } from './attach.ts'
import { clusterIn } from './folder.ts'
import type { Log } from './initialise.ts'
import { isAlive } from './initialise.ts'
import { shutDown } from './shut-down.ts'

export interface TemporaryPostgres {
  readonly url: string
  /** Stops the server and deletes its data. */
  remove(): Promise<void>
}

/** A Postgres of its own in a temporary folder, fast rather than durable. */
export async function temporaryPostgres(log: Log = () => {}): Promise<TemporaryPostgres> {
  await removeLeftovers()
  const dir = await mkdtemp(path.join(os.tmpdir(), `auth-primer-postgres-${process.pid}-`))
  try {
    const server = await attachPostgres({ dir, durable: false, maxConnections: 200, log })
    return {
      url: server.url,
      remove: async () => {
        await server.leave()
        await remove(dir)
      },
    }
  } catch (error) {
    await remove(dir)
    throw error
  }
}

async function remove(dir: string): Promise<void> {
  await shutDown(clusterIn(dir))
  await rm(dir, { recursive: true, force: true, maxRetries: 5 })
}

/** Stops and removes those of processes that were killed. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(os.tmpdir())) {
    const pid = Number(/^auth-primer-postgres-(\d+)-\w{6}$/.exec(name)?.[1])
    // Another user's is theirs to remove.
    if (pid && !isAlive(pid)) await remove(path.join(os.tmpdir(), name)).catch(() => {})
  }
}
