import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { codeOf } from './errors.ts'
import { belongsToAnother, type ClusterFolder } from './folder.ts'

const run = promisify(execFile)

/** What the postmaster writes into `postmaster.pid`. */
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
    if (codeOf(error) === 'EACCES') throw belongsToAnother(folder)
    return ''
  })
  const lines = text.split('\n').map((line) => line.trim())
  const pid = Number(lines[0])
  if (!pid) return undefined
  return { pid, startedAt: lines[2] ?? '', port: Number(lines[3]), status: lines[7] ?? '' }
}

/**
 * Whether process `pid` is this folder's postmaster. A killed one leaves its number behind, which a zombie may
 * hold for a moment, or any other program for good.
 */
export async function isPostmaster(pid: number, folder: ClusterFolder): Promise<boolean> {
  return process.platform === 'linux' ? isPostmasterOnLinux(pid, folder) : isPostmasterByPs(pid)
}

async function isPostmasterOnLinux(pid: number, folder: ClusterFolder): Promise<boolean> {
  const found = /\((.*)\) (\S)/s.exec(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))
  if (found?.[1] !== 'postgres' || found[2] === 'Z' || found[2] === 'X') return false
  // Whose working directory we may not see is another user's, and might be a postmaster of ours.
  const [cwd, data] = await Promise.all(
    [`/proc/${pid}/cwd`, folder.data].map((path) => stat(path).catch(() => undefined)),
  )
  return !cwd || (cwd.dev === data?.dev && cwd.ino === data.ino)
}

async function isPostmasterByPs(pid: number): Promise<boolean> {
  const { stdout } = await run('ps', ['-o', 'stat=,comm=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  const [state = '', command = ''] = stdout.trim().split(/\s+(.*)/s)
  return !state.startsWith('Z') && /(^|\/)postgres$/.test(command)
}
