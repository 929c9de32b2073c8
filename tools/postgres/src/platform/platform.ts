import type { ClusterFolder } from '../folder.ts'
import type { PidFile } from '../postmaster.ts'

/** Postgres's programs. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly pgCtl: string
  /** As in "18.4". */
  readonly version: string
}

/** How to stop a postmaster: `fast` ends the sessions and writes everything, `immediate` leaves that to the next start. */
export type StopMode = 'fast' | 'immediate'

/** The differences between operating systems. */
export interface Platform {
  /** The npm package with Postgres's programs, which npm installs as an optional dependency. */
  readonly binariesPackage: string
  /** False if a folder cannot be renamed while a program has a file in it open. */
  readonly renamesOpenFolders: boolean
  /** Returns the names of the files that a shell runs for the command `name`. */
  listProgramFiles(name: string, env: NodeJS.ProcessEnv): readonly string[]
  /** Renames a file or a folder. Rejects with EEXIST or ENOTEMPTY if there is another folder already. */
  rename(from: string, to: string): Promise<void>
  /** Makes a file or a folder accessible to nobody but its owner. */
  restrictToOwner(path: string): Promise<void>
  /** Returns programs that can be run for the cluster in this folder. */
  findBinaries(folder: ClusterFolder): Promise<Binaries>
  /** Runs initdb on the empty folder `folder.data`, with the password in `folder.password`. */
  runInitdb(binaries: Binaries, folder: ClusterFolder, options: readonly string[]): Promise<void>
  /**
   * Starts a postmaster that outlives this process. Resolves when it is ready, or to `undefined` if it ends, another one is
   * running, or the deadline passes. `stale` is what a killed one has left.
   */
  startPostmaster(
    binaries: Binaries,
    folder: ClusterFolder,
    settings: Readonly<Record<string, string | number>>,
    start: { readonly stale: PidFile | undefined; readonly deadline: number },
  ): Promise<PidFile | undefined>
  /** Asks a postmaster to stop. May wait for its end, at most for the timeout. */
  stopPostmaster(pid: number, folder: ClusterFolder, mode: StopMode, timeoutMs: number): Promise<void>
  /** Returns true if process `pid` is this folder's postmaster. After a crash, another process may have its number. */
  isPostmaster(pid: number, folder: ClusterFolder): Promise<boolean>
  /** Ends what a killed postmaster has left running. */
  endOrphans(folder: ClusterFolder): Promise<void>
}
