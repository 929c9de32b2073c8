import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { readPassword, SUPERUSER } from './connect.ts'
import { connectIfRunning } from './connect-if-running.ts'
import { codeOf, EmbeddedPostgresError } from './errors.ts'
import { type ClusterFolder, clusterIn } from './folder.ts'
import { hold } from './hold.ts'
import { initialise, type Log } from './initialise.ts'
import { holdShared } from './lock.ts'
import { readPidFile } from './postmaster.ts'
import { logTail } from './server-log.ts'
import { type ServerSettings, start } from './start.ts'

const PATIENCE_MS = 30_000
const DATABASE = 'auth_primer'

export interface AttachOptions {
  /** The folder that holds (or will hold) the cluster, as `<dir>/postgres`. */
  readonly dir: string
  /** Whether what is committed survives a power cut; a server that runs already stays as it is. @default true */
  readonly durable?: boolean
  /** How many connections a server that this call starts allows. @default 100 */
  readonly maxConnections?: number
  /** Is told what is being done, a sentence at a time. */
  readonly log?: Log
}

export interface AttachedPostgres {
  /** Of the database `auth_primer`, as its superuser. */
  readonly url: string
  /** Whether this call started the server; `false`: it ran already. */
  readonly started: boolean
  readonly dataDir: string
  /** Lets go of the server, and stops it if no other process is attached. */
  leave(): Promise<void>
}

/** Starts the embedded Postgres of a data folder, or attaches to it if it runs already. */
export async function attachPostgres(options: AttachOptions): Promise<AttachedPostgres> {
  const { dir, durable = true, maxConnections = 100, log = () => {} } = options
  const folder = clusterIn(dir)
  const { client, started } = await startOrConnect(folder, { durable, maxConnections }, log)
  await createDatabase(client)
  const url = new URL(`postgres://127.0.0.1:${client.port}/${DATABASE}`)
  url.username = SUPERUSER
  url.password = await readPassword(folder)
  return { url: url.href, started, dataDir: folder.data, leave: hold(client, folder) }
}

async function startOrConnect(folder: ClusterFolder, settings: ServerSettings, log: Log) {
  const deadline = Date.now() + PATIENCE_MS
  let startedPid: number | undefined
  let failures = 0
  while (Date.now() < deadline) {
    await initialise(folder, settings.durable, log)
    const client = await connectIfRunning(folder, deadline)
    if (client) {
      // Whoever stops the server holds the lock: then this connection ends, and there is one to start.
      const held = await holdShared(client).then(
        () => true,
        () => false,
      )
      if (held) return { client, started: startedPid === (await readPidFile(folder))?.pid }
      continue
    }
    const started = await start(folder, settings, deadline)
    if (started) {
      startedPid = started.pid
      log(`Postgres ${started.version} listens on 127.0.0.1:${started.port}`)
    } else {
      // Another process is ahead of us, or something of a killed server is still there for a moment.
      failures += 1
      if (failures === 3) log('Postgres does not start yet; trying again')
      await sleep(Math.min(100 * failures, 1_000))
    }
  }
  throw new EmbeddedPostgresError(
    `The embedded Postgres in ${folder.home} did not start within ${PATIENCE_MS / 1000} s. Its log, ${folder.log}, ends with:\n${await logTail(folder)}`,
  )
}

async function createDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE])
  if (rowCount) return
  await client.query(`create database ${DATABASE}`).catch((error) => {
    // Another process made it meanwhile: duplicate_database, unique_violation.
    if (codeOf(error) !== '42P04' && codeOf(error) !== '23505') throw error
  })
}
