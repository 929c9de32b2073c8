import { type ChildProcess, spawn } from 'node:child_process'
import { extname, resolve } from 'node:path'

/** What TypeScript says of a file: the check does not need it, and whoever reads it may. */
export interface TypeFault {
  readonly path: string
  readonly line: number
  readonly column: number
  readonly message: string
}

export interface TypeChecker {
  /** The faults in these files; of an older question nothing. */
  check(paths: readonly string[]): Promise<readonly TypeFault[]>
  end(): void
}

/** Checks types in a process of its own, which remembers what has not changed. It starts with the first question. */
export function startTypeChecker(): TypeChecker {
  let child: ChildProcess | undefined
  let last = 0
  const start = () => {
    const program = resolve(import.meta.dirname, `types-process${extname(import.meta.filename)}`)
    const started = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      detached: true,
    })
    started.setMaxListeners(0)
    started.on('error', () => {})
    return started
  }

  return {
    check(paths) {
      child ??= start()
      const question = ++last
      const checker = child
      return new Promise((done) => {
        const end = (faults: readonly TypeFault[]) => {
          checker.off('message', hear)
          checker.off('exit', stop)
          if (question === last) done(faults)
        }
        const hear = (answer: { question: number; faults: readonly TypeFault[] }) => {
          if (answer.question >= question) end(answer.faults)
        }
        const stop = () => {
          child = undefined
          end([])
        }
        checker.on('message', hear)
        checker.once('exit', stop)
        checker.send({ question, paths }, () => {})
      })
    },
    end() {
      last += 1
      child?.kill('SIGKILL')
    },
  }
}
