import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** How long a check may take to put away what it has made, in milliseconds. */
const PATIENCE_MS = 1_500

/** The process groups of the programs that a check has started, by its process. */
const programs = new WeakMap<ChildProcess, Set<number>>()

/** Remembers which programs a check has running. */
export function keepTrack(check: ChildProcess): void {
  const running = new Set<number>()
  programs.set(check, running)
  check.on('message', ({ started, ended }: { started?: number; ended?: number }) => {
    if (started) running.add(started)
    if (ended) running.delete(ended)
  })
}

/** Asks a check to stop, so that it deletes its database; one that does not listen is ended with all that it has started. */
export async function endCheck(check: ChildProcess): Promise<void> {
  if (check.exitCode !== null || check.signalCode !== null) return
  const gone = once(check, 'exit')
  if (check.connected) check.send('stop', () => {})
  const kill = setTimeout(() => killCheck(check), PATIENCE_MS)
  await gone
  clearTimeout(kill)
  killCheck(check)
}

/** At once. What is not in its process group either ends with it, or has told its own. */
export function killCheck(check: ChildProcess): void {
  for (const group of [check.pid, ...(programs.get(check) ?? [])]) {
    try {
      if (group) process.kill(-group, 'SIGKILL')
    } catch {
      // Nobody is left in it.
    }
  }
}
