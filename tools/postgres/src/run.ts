import { foregroundChild } from 'foreground-child'
import { codeOf } from './errors.ts'

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What a command needs while it runs. */
export interface Provision {
  readonly env: NodeJS.ProcessEnv
  end(): Promise<void>
}

/**
 * Runs a command in the foreground on what `provide` makes ready: signals are passed on to it, and this
 * process ends as it ended, having let go of what was provided however that came about.
 */
export async function runCommand(
  command: readonly string[],
  provide: () => Promise<Provision>,
): Promise<void> {
  let interrupted: NodeJS.Signals | undefined
  const interrupt = (signal: NodeJS.Signals) => {
    interrupted ??= signal
  }
  for (const signal of ENDING_SIGNALS) process.on(signal, interrupt)
  const restoreSignals = () => {
    for (const signal of ENDING_SIGNALS) process.off(signal, interrupt)
  }
  const provision = await provide().catch((error) => {
    restoreSignals()
    if (interrupted) process.kill(process.pid, interrupted)
    throw error
  })
  if (interrupted) {
    await provision.end()
    restoreSignals()
    process.kill(process.pid, interrupted)
    return
  }
  const [program = '', ...args] = command
  const child = foregroundChild(program, args, { env: provision.env }, async () => {
    await provision.end().catch(complain)
    restoreSignals()
  })
  child.once('error', (error) => {
    complain(codeOf(error) === 'ENOENT' ? new Error(`${program}: command not found`) : error)
  })
}

function complain(error: Error): void {
  process.stderr.write(`${error.message}\n`)
}
