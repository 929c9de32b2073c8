import { readFile, rename, stat } from 'node:fs/promises'
import type { ClusterFolder } from './folder.ts'

const MAX_BYTES = 1_000_000

/** Renames a log that has become too long to `….old`, which replaces the one before. */
export async function rotateLog(folder: ClusterFolder): Promise<void> {
  const { size } = await stat(folder.log).catch(() => ({ size: 0 }))
  if (size > MAX_BYTES) await rename(folder.log, `${folder.log}.old`).catch(() => {})
}

/** Returns the last lines of the log, for an error message. */
export async function readLogTail(folder: ClusterFolder): Promise<string> {
  const text = await readFile(folder.log, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-10).join('\n')
}
