import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { treeOptions } from '@auth-primer/tool-processes'
import { CHECKOUT, type Chapter } from './chapters.ts'
import { killCheck } from './end-check.ts'

/** The environment variables of a chapter's checks. */
export type CheckEnvironment = Readonly<Record<string, string>>

/** Starts the process of a chapter's checks. It reports on `stdio[4]`. */
export function startCheck({ folder }: Chapter, env: CheckEnvironment): ChildProcess {
  return start('check.test.ts', { cwd: folder, env })
}

export interface SpareProcess {
  /** Starts a chapter's checks, in the spare process if there is one. */
  start: typeof startCheck
  /** Starts a spare process for the next check. */
  prepare(): void
  end(): void
}

/** Keeps a process that has already loaded what most checks import, so the next verdict comes sooner. */
export function keepSpareProcess(): SpareProcess {
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
      CHAPTER_REPORT_FD: '4',
      TSX_TSCONFIG_PATH: resolve(CHECKOUT, 'tsconfig.dev.json'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
    ...treeOptions,
  })
}
