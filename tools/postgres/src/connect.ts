import pg from 'pg'
import type { ClusterFolder } from './folder.ts'
import { readPassword } from './password.ts'
import { readPidFile } from './postmaster.ts'

export const SUPERUSER = 'postgres'

/** The types of pg lack `ref` and `unref`, which choose if an idle connection keeps the process alive. */
export type Connection = pg.Client & { ref(): void; unref(): void }

/**
 * Opens a connection to this folder's server. Rejects if it is not running.
 *
 * After a crash, another program may listen on the port that is written in the folder. It never gets the password: this
 * client only uses SCRAM, in which both sides prove that they know the password without sending it.
 */
export async function connect(folder: ClusterFolder): Promise<Connection> {
  const server = await readPidFile(folder)
  if (!server?.port) throw new Error('it is not running')
  const client = new pg.Client({
    host: '127.0.0.1',
    port: server.port,
    user: SUPERUSER,
    password: await readPassword(folder),
    database: 'postgres',
    application_name: 'auth-primer attach',
    connectionTimeoutMillis: 5_000,
    ssl: false,
  }) as Connection
  // Without a listener, a server that stops would end this process.
  client.on('error', () => {})
  const isProven = requireScram(client)
  try {
    await client.connect()
    if (!isProven()) throw new Error('another program is listening on its port')
    const { rows } = await client.query(`select pg_read_file('postmaster.pid') as text`)
    const [pid, , startedAt] = String(rows[0].text).split('\n')
    if (Number(pid) !== server.pid || startedAt?.trim() !== server.startedAt) {
      throw new Error('another Postgres is listening on its port')
    }
    return client
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
}

/** Disconnects if the server asks for the password itself. The returned function returns true if the server has proved that it knows the password. */
function requireScram(client: pg.Client): () => boolean {
  let proven = false
  // pg has no public way to choose the authentication; these are its connection's events.
  const { connection } = client as unknown as {
    connection: NodeJS.EventEmitter & { stream: { destroy(error: Error): void } }
  }
  for (const asked of ['authenticationCleartextPassword', 'authenticationMD5Password']) {
    connection.on(asked, () =>
      connection.stream.destroy(new Error('a program that asks for the password is listening on its port')),
    )
  }
  connection.on('authenticationSASLFinal', () => {
    proven = true
  })
  return () => proven
}
