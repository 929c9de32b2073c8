import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants, existsSync } from 'node:fs'
import { chown, type FileHandle, open, readFile, rename, stat, symlink } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { EmbeddedPostgresError, readCode } from '../errors.ts'
import type { ClusterFolder } from '../folder.ts'
import { type PidFile, readPidFile } from '../postmaster.ts'
import { type Account, asAccount, findAccount } from './account.ts'
import { copyBinaries } from './copy-binaries.ts'
import { restrictToOwner } from './modes.ts'
import { findNativeFolder, parseVersion } from './native-folder.ts'
import type { Binaries, Platform, StopMode } from './platform.ts'

const run = promisify(execFile)

/** A postmaster that has not written its pid file by then has lost it to another one. */
const PID_FILE_TIMEOUT_MS = 5_000

const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const satisfies Record<StopMode, NodeJS.Signals>

/** The differences between Linux and macOS. */
interface PosixOptions {
  readonly binariesPackage: string
  /** The folder for copies of the programs that root makes. */
  readonly sharedCache: string
  /** Returns what initdb and Postgres get as `-D`. The data folder is their working directory. */
  readDataArgument(data: string, account: Account | undefined): Promise<string>
}

export function createPosixPlatform(options: PosixOptions): Omit<Platform, 'isPostmaster' | 'endOrphans'> {
  const { binariesPackage, sharedCache, readDataArgument } = options
  return {
    binariesPackage,
    renamesOpenFolders: true,
    listProgramFiles: (name) => [name],
    rename,
    restrictToOwner,

    async findBinaries(folder) {
      const account = await findAccount(folder.data)
      const native = findNativeFolder(binariesPackage)
      // If node_modules is read-only, the copy gets the links.
      await linkLibraries(native).catch(() => {})
      const found = await tryBinaries(native, account)
      if ('version' in found) return found
      const copy = await copyBinaries(native, sharedCache)
      await linkLibraries(copy)
      const copied = await tryBinaries(copy, account)
      if ('version' in copied) return copied
      throw new EmbeddedPostgresError(
        `The embedded Postgres cannot be run (${copied.reason}). Name another folder for its programs in AUTH_PRIMER_POSTGRES_CACHE, or set DATABASE_URL to your own Postgres.`,
      )
    },

    async runInitdb({ initdb }, folder, options) {
      const account = await findAccount(folder.data)
      // While initdb runs, the password file belongs to its account. The account may not be allowed to enter the folders
      // above, so it gets the open file as its standard input.
      if (account)
        for (const file of [folder.data, folder.password]) await chown(file, account.uid, account.gid)
      const data = await readDataArgument(folder.data, account)
      const password = await open(folder.password)
      try {
        const child = spawn(initdb, ['-D', data, '--pwfile=/dev/stdin', ...options], {
          ...asAccount(account),
          cwd: folder.data,
          env: createPostgresEnv(),
          stdio: [password.fd, 'ignore', 'pipe'],
        })
        const [errors, [status]] = await Promise.all([text(child.stderr as Readable), once(child, 'exit')])
        if (status !== 0)
          throw new EmbeddedPostgresError(`initdb could not create a database cluster: ${errors.trim()}`)
      } finally {
        await password.close()
      }
      if (account) await chown(folder.password, 0, 0)
    },

    async startPostmaster({ postgres }, folder, settings, { stale, deadline }) {
      const account = await findAccount(folder.data)
      const data = await readDataArgument(folder.data, account)
      const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
      const log = await openLog(folder)
      try {
        const child = spawn(postgres, ['-D', data, ...options], {
          ...asAccount(account),
          cwd: folder.data,
          // Postgres refuses to start while the number in a pid file belongs to a process. With this variable, which pg_ctl
          // sets too, it ignores that process. It still checks that no other postmaster uses the cluster's memory.
          env: { ...createPostgresEnv(), ...(stale && { PG_GRANDPARENT_PID: String(stale.pid) }) },
          stdio: ['ignore', log.fd, log.fd],
          detached: true,
        })
        return await waitUntilReady(child, folder, deadline)
      } finally {
        await log.close()
      }
    },

    async stopPostmaster(pid, _folder, mode) {
      try {
        process.kill(pid, SIGNALS[mode])
      } catch (error) {
        if (readCode(error) !== 'ESRCH') throw error
      }
    },
  }
}

/** Creates the links between libraries that the package's install script creates, in case npm did not run it. */
async function linkLibraries(native: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  )
  for (const { source, target } of links) {
    const link = path.join(native, path.relative('native', target))
    if (existsSync(link)) continue
    await symlink(path.relative(path.dirname(target), source), link).catch((error) => {
      if (readCode(error) !== 'EEXIST') throw error
    })
  }
}

async function tryBinaries(
  native: string,
  account: Account | undefined,
): Promise<Binaries | { reason: string }> {
  const [initdb, postgres, pgCtl] = ['initdb', 'postgres', 'pg_ctl'].map((name) =>
    path.join(native, 'bin', name),
  ) as [string, string, string]
  try {
    const options = { ...asAccount(account), cwd: '/', env: createPostgresEnv() }
    const { stdout } = await run(postgres, ['--version'], options)
    return { initdb, postgres, pgCtl, version: parseVersion(stdout) }
  } catch (error) {
    if (readCode(error) === 'ENOENT')
      return { reason: 'it needs glibc, which musl systems such as Alpine do not have' }
    return { reason: error instanceof Error ? error.message.trim() : String(error) }
  }
}

/** Without the locale and the `PG…` variables of the person who starts it. */
function createPostgresEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
}

/** Opens the log, which belongs to the folder's owner even if root starts Postgres. */
async function openLog(folder: ClusterFolder): Promise<FileHandle> {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants
  const log = await open(folder.log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600)
  if (process.getuid?.() === 0) {
    const { uid, gid } = await stat(folder.home)
    await log.chown(uid, gid)
  }
  return log
}

async function waitUntilReady(
  child: ChildProcess,
  folder: ClusterFolder,
  deadline: number,
): Promise<PidFile | undefined> {
  let hasEnded = false
  child.once('exit', () => {
    hasEnded = true
  })
  await once(child, 'spawn')
  const startedAt = Date.now()
  let hasPidFile = false
  try {
    while (!hasEnded && Date.now() < deadline) {
      const server = await readPidFile(folder)
      if (server?.pid === child.pid) {
        hasPidFile = true
        if (server?.status === 'ready') return server
      } else if (hasPidFile || Date.now() - startedAt > PID_FILE_TIMEOUT_MS) {
        // Another postmaster has replaced its pid file (both had read the same stale one), or the folder was moved.
        child.kill('SIGQUIT')
      }
      await sleep(20)
    }
    return undefined
  } finally {
    child.unref()
  }
}
