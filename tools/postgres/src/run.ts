import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { isatty } from 'node:tty'
import { codeOf, EmbeddedPostgresError } from './errors.ts'

const SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const

/** What a command needs while it runs. */
export interface Provision {
  readonly env: NodeJS.ProcessEnv
  end(): Promise<void>
}

interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * Runs a command in the foreground on what `provide` makes ready: signals are passed on to it, and this
 * process ends as it ended, having let go of what was provided however that came about.
 */
export async function runCommand(
  command: readonly string[],
  provide: () => Promise<Provision>,
): Promise<void> {
  let child: ChildProcess | undefined
  let interruption: NodeJS.Signals | undefined
  const passOn = (signal: NodeJS.Signals) => {
    interruption ??= signal
    if (!isFromTerminal(signal)) child?.kill(signal)
  }
  for (const signal of SIGNALS) process.on(signal, passOn)

  const runOn = async (provision: Provision): Promise<Ending> => {
    if (interruption) return { code: null, signal: interruption }
    const [program = '', ...args] = command
    child = spawn(program, args, { env: provision.env, stdio: 'inherit' })
    return endOf(child, program)
  }
  let ending: Ending | undefined
  try {
    const provision = await provide().catch((error) => {
      // An interruption also reaches the programs that were making it ready, and fails them.
      if (!interruption) throw error
      return undefined
    })
    ending = provision && (await runOn(provision).finally(() => provision.end()))
  } finally {
    for (const signal of SIGNALS) process.off(signal, passOn)
  }
  endAs(ending ?? { code: null, signal: interruption ?? null })
}

/** A terminal sends these to every process in its foreground: the command has it already. */
function isFromTerminal(signal: NodeJS.Signals): boolean {
  return (signal === 'SIGINT' || signal === 'SIGQUIT') && [0, 1, 2].some((fd) => isatty(fd))
}

async function endOf(child: ChildProcess, program: string): Promise<Ending> {
  try {
    const [code, signal] = await once(child, 'exit')
    return { code, signal }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new EmbeddedPostgresError(`${program}: command not found`)
    throw error
  }
}

function endAs({ code, signal }: Ending): void {
  process.exitCode = code ?? 1
  if (!signal) return
  // Where somebody listens to signals they arrive only later: there has to be something to wait for.
  setTimeout(() => {}, 2_000)
  process.kill(process.pid, signal)
}
