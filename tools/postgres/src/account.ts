import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { EmbeddedPostgresError } from './errors.ts'

const run = promisify(execFile)

/** An unprivileged user, by number. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * Who runs Postgres when root starts it, as Postgres refuses to be root: the owner of the data folder, or for
 * a new one `AUTH_PRIMER_POSTGRES_USER` (`nobody`). `undefined`: the invoking user, who is not root.
 */
export async function postgresAccount(data: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = await stat(data).catch(() => undefined)
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const user = process.env.AUTH_PRIMER_POSTGRES_USER || 'nobody'
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, user])).stdout)),
    )
    if (uid && gid) return { uid, gid }
  } catch {
    // Falls through: there is no such user.
  }
  throw new EmbeddedPostgresError(
    `Postgres does not run as root, and there is no unprivileged user "${user}" to run it. Name one in AUTH_PRIMER_POSTGRES_USER, or set DATABASE_URL to your own Postgres.`,
  )
}

/** Runs a program as `account`. macOS numbers `nobody` 4294967294, which is -2 where a signed number is wanted. */
export function asAccount(account: Account | undefined): { uid?: number; gid?: number } {
  return account ? { uid: account.uid | 0, gid: account.gid | 0 } : {}
}

/** No locale and no `PG…` variable of the person who starts it reaches Postgres. */
export function postgresEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
}

/**
 * What to give Postgres and initdb as `-D`, run with the data folder as their working directory.
 *
 * The unprivileged account may not be allowed to walk the path to the folder (root's home is closed). Linux
 * resolves this link to the working directory itself, which was entered before the privileges were dropped.
 */
export function dataArgument(data: string, account: Account | undefined): string {
  return account && process.platform === 'linux' ? '/proc/self/cwd' : data
}

/** Elsewhere than on Linux the account has to walk the path: says so before Postgres fails on it. */
export async function assertReachable(data: string, account: Account | undefined): Promise<void> {
  if (!account || process.platform === 'linux') return
  const reached = await run('/bin/test', ['-x', data], { ...asAccount(account), cwd: '/' }).then(
    () => true,
    () => false,
  )
  if (reached) return
  throw new EmbeddedPostgresError(
    `Postgres does not run as root, and the user it runs as cannot enter ${data}. Set AUTH_PRIMER_DATA_DIR to a folder that every user can enter, or start it as an ordinary user.`,
  )
}
