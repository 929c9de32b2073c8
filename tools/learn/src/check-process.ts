import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { CHECKOUT, type Chapter } from './chapters.ts'
import { killCheck } from './end-check.ts'

/** What a check's process is told by its environment. */
export type CheckEnvironment = Readonly<Record<string, string>>

/** Starts a chapter's check. Its TAP comes on `stdio[4]`. */
export function startCheck({ folder }: Chapter, env: CheckEnvironment): ChildProcess {
  return start('check.test.ts', { cwd: folder, env })
}

export interface Spare {
  /** Starts a chapter's check, in the process that is ready if one is. */
  start: typeof startCheck
  /** Makes one ready for the next check. */
  prepare(): void
  end(): void
}

/** Has a process ready that has loaded what checks have in common, so that the next one comes to its verdict sooner. */
export function keepSpare(): Spare {
  let spare: ChildProcess | undefined
  return {
    start(chapter, env) {
      const child = spare
      spare = undefined
      if (!child?.connected) return startCheck(chapter, env)
      child.removeAllListeners('exit')
      child.send({ check: resolve(chapter.folder, 'check.test.ts'), env })
      return child
    },
    prepare() {
      if (spare) return
      const child = start(resolve(CHECKOUT, 'docs/check/wait.ts'), { cwd: CHECKOUT, env: {} })
      spare = child
      child.once('exit', () => {
        if (spare === child) spare = undefined
      })
    },
    end() {
      if (spare) killCheck(spare)
      spare = undefined
    },
  }
}

function start(file: string, { cwd, env }: { cwd: string; env: CheckEnvironment }): ChildProcess {
  return spawn(process.execPath, ['--import', import.meta.resolve('tsx'), file], {
    cwd,
    env: {
      ...process.env,
      CHAPTER_TAP_FD: '4',
      // Patience is this process's: tap's own would end the check without a word of why.
      TAP_TIMEOUT: '0',
      TSX_TSCONFIG_PATH: resolve(CHECKOUT, 'tsconfig.dev.json'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
    // A group of its own, so that all of it can be ended.
    detached: true,
  })
}
