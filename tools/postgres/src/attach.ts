import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, SUPERUSER } from './connect.ts'
import { connectIfRunning } from './connect-if-running.ts'
import { EmbeddedPostgresError, readCode } from './errors.ts'
import { type ClusterFolder, clusterIn, isInitialised } from './folder.ts'
import { hold } from './hold.ts'
import { initialise, type Log } from './initialise.ts'
import { holdShared } from './lock.ts'
import { readPassword } from './password.ts'
import { readLogTail } from './server-log.ts'
import { type ServerSettings, start } from './start.ts'

const DATABASE = 'auth_primer'

export interface AttachOptions {
  /** The folder that holds (or will hold) the cluster, as `<dir>/postgres`. */
  readonly dir: string
  /** False if a power cut may lose what is committed. A server that is running already stays as it is. @default true */
  readonly durable?: boolean
  /** The most connections, if this call starts the server. @default 100 */
  readonly maxConnections?: number
  /** How long to try to start a server, in milliseconds. @default 30_000 */
  readonly timeoutMs?: number
  /** Called with each step, as a sentence. */
  readonly log?: Log
}

export interface AttachedPostgres {
  /** The URL of the database `auth_primer`, for its superuser. */
  readonly url: string
  /** True if this call started the server, and false if it was running already. */
  readonly started: boolean
  readonly dataDir: string
  /** Detaches from the server, and stops it if no other process is attached. */
  leave(): Promise<void>
}

interface Attached {
  readonly client: Connection
  readonly started: boolean
}

/** Starts the embedded Postgres of a data folder, or attaches to it if it runs already. */
export async function attachPostgres(options: AttachOptions): Promise<AttachedPostgres> {
  const { dir, durable = true, maxConnections = 100, timeoutMs = 30_000, log = () => {} } = options
  const folder = clusterIn(dir)
  const { client, started } = await startOrConnect(folder, { durable, maxConnections }, timeoutMs, log)
  await createDatabase(client).catch(async (error) => {
    await client.end().catch(() => {})
    throw error
  })
  const url = new URL(`postgres://127.0.0.1:${client.port}/${DATABASE}`)
  url.username = SUPERUSER
  url.password = await readPassword(folder)
  return { url: url.href, started, dataDir: folder.data, leave: hold(client, folder) }
}

async function startOrConnect(
  folder: ClusterFolder,
  settings: ServerSettings,
  timeoutMs: number,
  log: Log,
): Promise<Attached> {
  await initialise(folder, settings.durable, log)
  const deadline = Date.now() + timeoutMs
  for (let attempt = 1; Date.now() < deadline; attempt += 1) {
    try {
      const attached =
        (await attach(folder, deadline)) ?? (await startAndAttach(folder, settings, deadline, log))
      if (attached) return attached
    } catch (error) {
      if (isInitialised(folder)) throw error
      // Another process has reset the cluster.
      await initialise(folder, settings.durable, log)
    }
    // Another process was faster, or something of a killed server is still there for a moment.
    if (attempt === 3) log('Postgres has not started yet, trying again')
    await sleep(Math.min(100 * attempt, 1_000))
  }
  throw new EmbeddedPostgresError(
    `The embedded Postgres in ${folder.home} did not start within ${timeoutMs / 1000} s. Its log, ${folder.log}, ends with:\n${await readLogTail(folder)}`,
  )
}

async function startAndAttach(
  folder: ClusterFolder,
  settings: ServerSettings,
  deadline: number,
  log: Log,
): Promise<Attached | undefined> {
  const server = await start(folder, settings, deadline)
  if (!server) return undefined
  log(`Postgres ${server.version} listens on 127.0.0.1:${server.port}`)
  const attached = await attach(folder, deadline)
  return attached && { ...attached, started: true }
}

/** Resolves to `undefined` if no server is running, or if the server is being stopped. */
async function attach(folder: ClusterFolder, deadline: number): Promise<Attached | undefined> {
  const client = await connectIfRunning(folder, deadline)
  if (!client) return undefined
  // A process that stops the server holds the lock, and ends this connection while it waits.
  try {
    await holdShared(client)
    return { client, started: false }
  } catch {
    await client.end().catch(() => {})
    return undefined
  }
}

async function createDatabase(client: Connection): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE])
  if (rowCount) return
  await client.query(`create database ${DATABASE}`).catch((error) => {
    // Another process has created it: duplicate_database, unique_violation.
    if (readCode(error) !== '42P04' && readCode(error) !== '23505') throw error
  })
}
