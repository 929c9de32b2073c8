import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { signalTree } from '@auth-primer/tool-processes'

/** How long the checks may take to delete what they have created. */
const END_TIMEOUT_MS = 1_500

/** The programs that a check has started, by the check's process. */
const programs = new WeakMap<ChildProcess, Set<number>>()

/** Keeps a list of the programs that a check runs. */
export function trackPrograms(check: ChildProcess): void {
  const running = new Set<number>()
  programs.set(check, running)
  check.on('message', ({ started, ended }: { started?: number; ended?: number }) => {
    if (started) running.add(started)
    if (ended) running.delete(ended)
  })
}

/** Asks a check to delete its database and stop. After a timeout, kills it with everything it has started. */
export async function endCheck(check: ChildProcess): Promise<void> {
  if (check.exitCode !== null || check.signalCode !== null) return
  const exited = once(check, 'exit')
  if (check.connected) check.send('stop', () => {})
  const timeout = setTimeout(() => killCheck(check), END_TIMEOUT_MS)
  await exited
  clearTimeout(timeout)
  killCheck(check)
}

/** Kills a check and the programs that it runs. */
export function killCheck(check: ChildProcess): void {
  for (const pid of [check.pid, ...(programs.get(check) ?? [])]) if (pid) signalTree(pid, 'SIGKILL')
}
