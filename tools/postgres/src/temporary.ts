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

/** Starts a separate Postgres in a temporary folder. It is fast, and not durable. */
export async function startTemporaryPostgres(log: Log = () => {}): Promise<TemporaryPostgres> {
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
  await rm(dir, { recursive: true, force: true, maxRetries: 10 })
}

/** Stops and removes the servers of processes that were killed. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(os.tmpdir())) {
    const pid = Number(/^auth-primer-postgres-(\d+)-\w{6}$/.exec(name)?.[1])
    // Another user's server is removed by that user.
    if (pid && !isAlive(pid)) await remove(path.join(os.tmpdir(), name)).catch(() => {})
  }
}
