import { constants } from 'node:fs'
import { type FileHandle, open, readFile, rename, stat } from 'node:fs/promises'
import type { ClusterFolder } from './folder.ts'

const MAX_BYTES = 1_000_000
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants

/** The log belongs to the folder's owner, also when root starts Postgres; the one before is kept as `.old`. */
export async function openLog(folder: ClusterFolder): Promise<FileHandle> {
  const { size } = await stat(folder.log).catch(() => ({ size: 0 }))
  if (size > MAX_BYTES) await rename(folder.log, `${folder.log}.old`).catch(() => {})
  const log = await open(folder.log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600)
  if (process.getuid?.() === 0) {
    const { uid, gid } = await stat(folder.home)
    await log.chown(uid, gid)
  }
  return log
}

/** The last lines of the log, for an error message. */
export async function logTail(folder: ClusterFolder): Promise<string> {
  const text = await readFile(folder.log, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-10).join('\n')
}
