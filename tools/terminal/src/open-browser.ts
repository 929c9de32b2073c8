import { spawn } from 'node:child_process'

/** Opens a page in the default browser, if there is one. It never fails: the address is printed as well. */
export function openInBrowser(url: string, { env, platform } = process): void {
  const command = findCommand(url, env, platform)
  if (command === undefined) return
  const [program, ...args] = command
  const child = spawn(program, args, { env, detached: true, stdio: 'ignore', windowsVerbatimArguments: true })
  child.on('error', () => {})
  child.unref()
}

function findCommand(
  url: string,
  { DISPLAY, WAYLAND_DISPLAY }: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): [string, ...string[]] | undefined {
  if (platform === 'darwin') return ['open', url]
  // `start` is a command of cmd. Its first quoted argument is the title of a window.
  if (platform === 'win32') return ['cmd', '/c', 'start', '""', url]
  // Without a screen, xdg-open would start a browser for terminals.
  return DISPLAY || WAYLAND_DISPLAY ? ['xdg-open', url] : undefined
}
