import { foregroundChild } from 'foreground-child'
import { codeOf } from './errors.ts'

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const COMMAND_NOT_FOUND = 127

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
  const stopListening = () => {
    for (const signal of ENDING_SIGNALS) process.off(signal, interrupt)
  }
  for (const signal of ENDING_SIGNALS) process.on(signal, interrupt)

  const provision = await provide().catch((error) => {
    // An interrupt also reaches the programs that were making it ready, and fails them.
    if (!interrupted) throw error
  })
  if (!provision || interrupted) {
    await provision?.end()
    stopListening()
    return endBy(interrupted)
  }
  const [program = '', ...args] = command
  let notStarted = false
  const child = foregroundChild(program, args, { env: provision.env }, async () => {
    await provision.end().catch(complain)
    stopListening()
    return notStarted ? COMMAND_NOT_FOUND : undefined
  })
  child.once('error', (error) => {
    notStarted = true
    complain(codeOf(error) === 'ENOENT' ? new Error(`${program}: command not found`) : error)
  })
}

function endBy(signal: NodeJS.Signals | undefined): void {
  // A signal that has listeners arrives only later: there has to be something to wait for.
  setTimeout(() => process.exit(1), 2_000)
  process.kill(process.pid, signal)
}

function complain(error: Error): void {
  process.stderr.write(`${error.message}\n`)
}
