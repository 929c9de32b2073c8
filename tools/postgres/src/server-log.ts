import { readFile } from 'node:fs/promises'
import type { ClusterFolder } from './folder.ts'

/** The last lines of Postgres's log, for an error message. */
export async function logTail(folder: ClusterFolder): Promise<string> {
  const text = await readFile(folder.log, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-10).join('\n')
}
