import { existsSync } from 'node:fs'
import type { Connection } from './connect.ts'
import { connectIfRunning } from './connect-if-running.ts'
import type { ClusterFolder } from './folder.ts'
import { holdAlone, releaseShared } from './lock.ts'
import { shutDown } from './shut-down.ts'

const PATIENCE_MS = 10_000

/** Lets go of the server, and stops it when nobody else is attached and nobody asked it to stay. */
export async function leave(client: Connection, folder: ClusterFolder): Promise<void> {
  client.ref()
  const connection = (await release(client)) ?? (await connectIfRunning(folder, Date.now() + PATIENCE_MS))
  if (!connection) return
  try {
    if ((await isLast(connection)) && !existsSync(folder.keepRunning)) await shutDown(folder)
  } finally {
    await connection.end().catch(() => {})
  }
}

/** `undefined` when the connection was lost, and the lock with it. */
async function release(client: Connection): Promise<Connection | undefined> {
  try {
    await releaseShared(client)
    return client
  } catch {
    await client.end().catch(() => {})
    return undefined
  }
}

/** Once more a connection may be lost: because another process is stopping the server. */
async function isLast(connection: Connection): Promise<boolean> {
  return holdAlone(connection).catch(() => false)
}
