import { type ChildProcess, spawn } from 'node:child_process'
import { extname, resolve } from 'node:path'
import { treeOptions } from '@auth-primer/tool-processes'

/** A type error. It does not change the verdict, but helps the learner. */
export interface TypeProblem {
  readonly path: string
  readonly line: number
  readonly column: number
  readonly message: string
}

export interface TypeChecker {
  /** Returns the type errors in these files. A newer call replaces an older one, which then never settles. */
  check(paths: readonly string[]): Promise<readonly TypeProblem[]>
  end(): void
}

/** Checks types in a separate process, which keeps the unchanged files in memory. The first call starts it. */
export function startTypeChecker(): TypeChecker {
  let child: ChildProcess | undefined
  let last = 0
  const start = () => {
    const program = resolve(import.meta.dirname, `types-process${extname(import.meta.filename)}`)
    const started = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      ...treeOptions,
    })
    started.setMaxListeners(0)
    started.on('error', () => {})
    return started
  }

  return {
    check(paths) {
      child ??= start()
      const request = ++last
      const checker = child
      return new Promise((done) => {
        const end = (problems: readonly TypeProblem[]) => {
          checker.off('message', onMessage)
          checker.off('exit', stop)
          if (request === last) done(problems)
        }
        const onMessage = (result: { request: number; problems: readonly TypeProblem[] }) => {
          if (result.request >= request) end(result.problems)
        }
        const stop = () => {
          child = undefined
          end([])
        }
        checker.on('message', onMessage)
        checker.once('exit', stop)
        checker.send({ request, paths }, () => {})
      })
    },
    end() {
      last += 1
      child?.kill('SIGKILL')
    },
  }
}
