import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { passSignalOn } from '@auth-primer/tool-processes'
import { EmbeddedPostgresError, readCode } from './errors.ts'

const SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const

/** What a command needs while it runs. */
export interface Provision {
  readonly env: NodeJS.ProcessEnv
  /** Arguments that are put before those of the command. */
  readonly args?: readonly string[]
  end(): Promise<void>
}

interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * Runs a command in the foreground with what `provide` returns. Signals are passed on to the command, and this process
 * ends in the same way as the command. In any case, the provision is ended first.
 */
export async function runCommand(
  command: readonly string[],
  provide: () => Promise<Provision>,
): Promise<void> {
  let child: ChildProcess | undefined
  let interruption: NodeJS.Signals | undefined
  const passOn = (signal: NodeJS.Signals) => {
    interruption ??= signal
    if (child) passSignalOn(child, signal)
  }
  for (const signal of SIGNALS) process.on(signal, passOn)

  const runOn = async (provision: Provision): Promise<Ending> => {
    if (interruption) return { code: null, signal: interruption }
    const [program = '', ...args] = command
    child = spawn(program, [...(provision.args ?? []), ...args], { env: provision.env, stdio: 'inherit' })
    return waitForEnd(child, program)
  }
  let ending: Ending | undefined
  try {
    const provision = await provide().catch((error) => {
      // A signal also reaches the programs that `provide` runs, and makes them fail.
      if (!interruption) throw error
      return undefined
    })
    ending = provision && (await runOn(provision).finally(() => provision.end()))
  } finally {
    for (const signal of SIGNALS) process.off(signal, passOn)
  }
  endAs(ending ?? { code: null, signal: interruption ?? null })
}

async function waitForEnd(child: ChildProcess, program: string): Promise<Ending> {
  try {
    const [code, signal] = await once(child, 'exit')
    return { code, signal }
  } catch (error) {
    if (readCode(error) === 'ENOENT') throw new EmbeddedPostgresError(`${program}: command not found`)
    throw error
  }
}

function endAs({ code, signal }: Ending): void {
  process.exitCode = code ?? 1
  if (!signal) return
  // While there are listeners for signals, a signal arrives later. The timer keeps this process alive until then.
  setTimeout(() => {}, 2_000)
  process.kill(process.pid, signal)
}
