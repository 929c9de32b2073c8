import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { asAccount, assertReachable, dataArgument, postgresAccount, postgresEnv } from './account.ts'
import { type Binaries, findBinaries } from './binaries.ts'
import { EmbeddedPostgresError } from './errors.ts'
import type { ClusterFolder } from './folder.ts'
import { closeToOthers } from './modes.ts'
import { endOrphans } from './orphans.ts'
import { readPassword } from './password.ts'
import { isPostmaster, readPidFile } from './postmaster.ts'
import { openLog } from './server-log.ts'

const NAMED_WITHIN_MS = 5_000

export interface ServerSettings {
  /** Whether what is committed survives a power cut. */
  readonly durable: boolean
  readonly maxConnections: number
}

export interface StartedServer {
  readonly pid: number
  readonly port: number
  readonly version: string
}

/**
 * Starts a postmaster that outlives this process; resolves when it is ready, or to `undefined` when this one
 * ended: because another is ahead of it, something of the last one is still there, or its port was taken.
 */
export async function start(
  folder: ClusterFolder,
  settings: ServerSettings,
  deadline: number,
): Promise<StartedServer | undefined> {
  const account = await postgresAccount(folder.data)
  const binaries = await findBinaries(account)
  await assertVersion(folder, binaries)
  await assertReachable(folder.data, account)
  const stale = await readPidFile(folder)
  if (stale && (await isPostmaster(stale.pid, folder))) return undefined
  if (stale) await endOrphans(folder)
  // Without it the server would be of no use.
  await readPassword(folder)
  await closeToOthers(folder)
  const port = await freePort()
  const log = await openLog(folder)
  try {
    const child = spawn(
      binaries.postgres,
      serverArguments(dataArgument(folder.data, account), port, settings),
      {
        ...asAccount(account),
        cwd: folder.data,
        // Postgres refuses to start while the number in a pid file is some process's. This one is none of its kind,
        // which is what the variable tells it (pg_ctl's way); that nobody uses the memory it still checks.
        env: { ...postgresEnv(), ...(stale && { PG_GRANDPARENT_PID: String(stale.pid) }) },
        stdio: ['ignore', log.fd, log.fd],
        detached: true,
      },
    )
    return (await becomesReady(child, folder, deadline))
      ? { pid: child.pid as number, port, version: binaries.version }
      : undefined
  } finally {
    await log.close()
  }
}

async function becomesReady(child: ChildProcess, folder: ClusterFolder, deadline: number): Promise<boolean> {
  let ended = false
  child.once('exit', () => {
    ended = true
  })
  await once(child, 'spawn')
  const bornAt = Date.now()
  let named = false
  while (!ended && Date.now() < deadline) {
    const server = await readPidFile(folder)
    if (server?.pid === child.pid) {
      named = true
      if (server?.status === 'ready') {
        child.unref()
        return true
      }
    } else if (named || Date.now() - bornAt > NAMED_WITHIN_MS) {
      // Another postmaster has replaced its pid file (both had seen the same stale one), or the folder was moved.
      child.kill('SIGQUIT')
    }
    await sleep(20)
  }
  child.unref()
  return false
}

function serverArguments(data: string, port: number, { durable, maxConnections }: ServerSettings): string[] {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: maxConnections,
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  return ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

async function assertVersion(folder: ClusterFolder, { version }: Binaries): Promise<void> {
  const made = (await readFile(path.join(folder.data, 'PG_VERSION'), 'utf8')).trim()
  if (made === version.split('.')[0]) return
  throw new EmbeddedPostgresError(
    `The database cluster in ${folder.home} was created by Postgres ${made}, but the embedded Postgres is ${version}. To start over, move the folder aside or run npm run db:reset. To keep the data, use the version of auth-primer that created it.`,
  )
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
