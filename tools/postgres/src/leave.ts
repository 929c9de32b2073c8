import { existsSync } from 'node:fs'
import type { Connection } from './connect.ts'
import { connectIfRunning } from './connect-if-running.ts'
import type { ClusterFolder } from './folder.ts'
import { holdExclusive, releaseShared } from './lock.ts'
import { shutDown } from './shut-down.ts'

const TIMEOUT_MS = 10_000

/** Detaches from the server, and stops it unless another process is attached or `npm run db:start` keeps it running. */
export async function leave(client: Connection, folder: ClusterFolder): Promise<void> {
  client.ref()
  const connection = (await release(client)) ?? (await connectIfRunning(folder, Date.now() + TIMEOUT_MS))
  if (!connection) return
  try {
    if ((await isLast(connection)) && !existsSync(folder.keepRunning)) await shutDown(folder)
  } finally {
    await connection.end().catch(() => {})
  }
}

/** Resolves to `undefined` if the connection was lost, and the lock with it. */
async function release(client: Connection): Promise<Connection | undefined> {
  try {
    await releaseShared(client)
    return client
  } catch {
    await client.end().catch(() => {})
    return undefined
  }
}

/** The connection may be lost again, if another process is stopping the server. */
async function isLast(connection: Connection): Promise<boolean> {
  return holdExclusive(connection).catch(() => false)
}
