import { readFile } from 'node:fs/promises'
import { readCode } from './errors.ts'
import { belongsToAnother, type ClusterFolder } from './folder.ts'

/** The file `postmaster.pid`, which the postmaster writes. */
export interface PidFile {
  readonly pid: number
  /** Seconds since 1970. */
  readonly startedAt: string
  readonly port: number
  /** "starting", "ready", "stopping" … */
  readonly status: string
}

export async function readPidFile(folder: ClusterFolder): Promise<PidFile | undefined> {
  const text = await readFile(folder.pidFile, 'utf8').catch((error) => {
    if (readCode(error) === 'EACCES') throw belongsToAnother(folder)
    return ''
  })
  const lines = text.split('\n').map((line) => line.trim())
  const pid = Number(lines[0])
  if (!pid) return undefined
  return { pid, startedAt: lines[2] ?? '', port: Number(lines[3]), status: lines[7] ?? '' }
}
