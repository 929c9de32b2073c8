import { spawn } from 'node:child_process'
import { findBrowser } from '@auth-primer/tool-processes'

/** Opens a page in the default browser, if there is one. It never fails: the address is printed as well. */
export function openInBrowser(url: string, { env } = process): void {
  const command = findBrowser(url, env)
  if (command === undefined) return
  const [program, ...args] = command
  const child = spawn(program, args, { env, detached: true, stdio: 'ignore', windowsVerbatimArguments: true })
  child.on('error', () => {})
  child.unref()
}
