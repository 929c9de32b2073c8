import type { Connection } from './connect.ts'
import { connectIfRunning } from './connect-if-running.ts'
import type { ClusterFolder } from './folder.ts'
import { leave } from './leave.ts'
import { holdShared } from './lock.ts'

const TIMEOUT_MS = 30_000

/**
 * Keeps the lock that `client` has taken until the returned function is called. If one of Postgres's processes crashes,
 * Postgres ends all sessions and goes on. In that case, the lock is taken again.
 */
export function hold(client: Connection, folder: ClusterFolder): () => Promise<void> {
  let current: Promise<Connection | undefined> = watch(client)
  let left: Promise<void> | undefined

  async function watch(connection: Connection): Promise<Connection> {
    // The connection by itself does not keep the process alive.
    connection.unref()
    connection.once('end', () => {
      if (!left) current = takeAgain().catch(() => undefined)
    })
    return connection
  }

  async function takeAgain(): Promise<Connection | undefined> {
    const deadline = Date.now() + TIMEOUT_MS
    while (Date.now() < deadline) {
      const connection = await connectIfRunning(folder, deadline)
      if (!connection) return undefined
      // If Postgres has not noticed the crash yet, it ends this session as well.
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
