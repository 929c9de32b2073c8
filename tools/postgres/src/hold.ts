import type { Connection } from './connect.ts'
import { connectIfRunning } from './connect-if-running.ts'
import type { ClusterFolder } from './folder.ts'
import { leave } from './leave.ts'
import { holdShared } from './lock.ts'

const PATIENCE_MS = 30_000

/**
 * Keeps the lock that `client` has taken until the returned function is called. When one of Postgres's
 * processes crashes it ends all sessions and goes on: then the lock is taken again.
 */
export function hold(client: Connection, folder: ClusterFolder): () => Promise<void> {
  let current: Promise<Connection | undefined> = watch(client)
  let left: Promise<void> | undefined

  async function watch(connection: Connection): Promise<Connection> {
    // By itself the connection keeps no process alive.
    connection.unref()
    connection.once('end', () => {
      if (!left) current = takeAgain().catch(() => undefined)
    })
    return connection
  }

  async function takeAgain(): Promise<Connection | undefined> {
    const deadline = Date.now() + PATIENCE_MS
    while (Date.now() < deadline) {
      const connection = await connectIfRunning(folder, deadline)
      if (!connection) return undefined
      // We may be back before Postgres has noticed the crash: then this session is ended as well.
      const held = await holdShared(connection).then(
        () => true,
        () => false,
      )
      if (held) return watch(connection)
      await connection.end().catch(() => {})
    }
    return undefined
  }

  return () => {
    left ??= current.then((connection) => connection && leave(connection, folder))
    return left
  }
}
