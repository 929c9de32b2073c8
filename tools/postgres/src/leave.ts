import { existsSync } from 'node:fs'
import type { Connection } from './connect.ts'
import type { ClusterFolder } from './folder.ts'
import { holdAlone, releaseShared } from './lock.ts'
import { shutDown } from './shut-down.ts'

/** Lets go of the server, and stops it when nobody else is attached and nobody asked it to stay. */
export async function leave(client: Connection, folder: ClusterFolder): Promise<void> {
  client.ref()
  try {
    if (await isLast(client, folder)) await shutDown(folder)
  } finally {
    await client.end().catch(() => {})
  }
}

async function isLast(client: Connection, folder: ClusterFolder): Promise<boolean> {
  try {
    await releaseShared(client)
    return (await holdAlone(client)) && !existsSync(folder.keepRunning)
  } catch {
    // The connection was lost: the server has stopped, or it is others' to stop.
    return false
  }
}
