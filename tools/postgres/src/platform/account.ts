import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { EmbeddedPostgresError } from '../errors.ts'

const run = promisify(execFile)

/** An unprivileged user, by number. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * Returns the user that runs Postgres if root starts it, because Postgres refuses to run as root: the owner of the data
 * folder, or for a new one `AUTH_PRIMER_POSTGRES_USER` (`nobody`). Returns `undefined` if another user starts it, who then
 * runs it too.
 */
export async function findAccount(data: string): Promise<Account | undefined> {
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
    // There is no such user.
  }
  throw new EmbeddedPostgresError(
    `Postgres does not run as root, and there is no unprivileged user "${user}" to run it. Name one in AUTH_PRIMER_POSTGRES_USER, or set DATABASE_URL to your own Postgres.`,
  )
}

/** Options for `spawn`. macOS numbers `nobody` 4294967294, and Node needs the signed number, -2. */
export function asAccount(account: Account | undefined): { uid?: number; gid?: number } {
  return account ? { uid: account.uid | 0, gid: account.gid | 0 } : {}
}
