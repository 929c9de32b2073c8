import { statSync } from 'node:fs'
import path from 'node:path'
import { EmbeddedPostgresError, readCode } from './errors.ts'

/** The paths of one cluster. */
export interface ClusterFolder {
  /** `<dir>/postgres`. It appears in one step, when a finished folder is renamed. */
  readonly home: string
  /** Postgres's data directory. */
  readonly data: string
  /** The superuser's password, mode 600. */
  readonly password: string
  readonly log: string
  /** Written by the postmaster while it runs: its process id, start time, port and status. */
  readonly pidFile: string
  /** While this file exists, the last process to leave does not stop the server. */
  readonly keepRunning: string
}

export function clusterFolder(home: string): ClusterFolder {
  const data = path.join(home, 'data')
  return {
    home,
    data,
    password: path.join(home, 'password'),
    log: path.join(home, 'postgres.log'),
    pidFile: path.join(data, 'postmaster.pid'),
    keepRunning: path.join(home, 'keep-running'),
  }
}

/** The cluster of a data folder, such as `.data`. */
export function clusterIn(dir: string): ClusterFolder {
  return clusterFolder(path.resolve(dir, 'postgres'))
}

export function isInitialised(folder: ClusterFolder): boolean {
  try {
    statSync(path.join(folder.data, 'PG_VERSION'))
    return true
  } catch (error) {
    // A folder that this process may not read is not an unfinished one.
    if (readCode(error) === 'EACCES') throw belongsToAnother(folder)
    return false
  }
}

export function belongsToAnother(folder: ClusterFolder): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The embedded Postgres in ${folder.home} belongs to another user. Run this command as that user, or set AUTH_PRIMER_DATA_DIR to your own folder.`,
  )
}
