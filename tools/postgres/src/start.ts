import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { EmbeddedPostgresError } from './errors.ts'
import type { ClusterFolder } from './folder.ts'
import { readPassword } from './password.ts'
import { type Binaries, platform } from './platform/index.ts'
import { readPidFile } from './postmaster.ts'
import { rotateLog } from './server-log.ts'

export interface ServerSettings {
  /** False if a power cut may lose what is committed. */
  readonly durable: boolean
  readonly maxConnections: number
}

export interface StartedServer {
  readonly port: number
  readonly version: string
}

/**
 * Starts a postmaster that outlives this process. Resolves when it is ready, or to `undefined` if it ended: another process
 * was faster, a killed server has left something, or the port was taken.
 */
export async function start(
  folder: ClusterFolder,
  settings: ServerSettings,
  deadline: number,
): Promise<StartedServer | undefined> {
  const binaries = await platform.findBinaries(folder)
  await assertVersion(folder, binaries)
  const stale = await readPidFile(folder)
  if (stale && (await platform.isPostmaster(stale.pid, folder))) return undefined
  if (stale) await platform.endOrphans(folder)
  // Without the password, nothing could connect to the server.
  await readPassword(folder)
  // A copy, a backup or a `chmod -R` may have given others access since the cluster was created.
  for (const file of [folder.home, folder.data, folder.password]) await platform.restrictToOwner(file)
  await rotateLog(folder)
  const port = await findFreePort()
  const options = createOptions(port, settings)
  const server = await platform.startPostmaster(binaries, folder, options, { stale, deadline })
  return server && { port, version: binaries.version }
}

function createOptions(port: number, { durable, maxConnections }: ServerSettings) {
  return {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: maxConnections,
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
}

async function assertVersion(folder: ClusterFolder, { version }: Binaries): Promise<void> {
  const created = (await readFile(path.join(folder.data, 'PG_VERSION'), 'utf8')).trim()
  if (created === version.split('.')[0]) return
  throw new EmbeddedPostgresError(
    `The database cluster in ${folder.home} was created by Postgres ${created}, but the embedded Postgres is ${version}. To start over, move the folder aside or run npm run db:reset. To keep the data, use the version of auth-primer that created it.`,
  )
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
