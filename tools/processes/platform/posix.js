import { isatty } from 'node:tty'

/** Starts a new process group. */
const treeOptions = { detached: true }

/** @param {number} pid @param {NodeJS.Signals} signal */
function signalTree(pid, signal) {
  try {
    process.kill(-pid, signal)
  } catch {
    // The group has no process left.
  }
}

/**
 * @param {import('node:child_process').ChildProcess} command
 * @param {NodeJS.Signals} signal
 */
function passSignalOn(command, signal) {
  // A terminal sends these signals to every process in its foreground.
  const isFromTerminal = ['SIGINT', 'SIGQUIT'].includes(signal) && [0, 1, 2].some((fd) => isatty(fd))
  if (!isFromTerminal) command.kill(signal)
}

/** Sends SIGTERM to this process. */
function endSelf() {
  process.kill(process.pid, 'SIGTERM')
}

/**
 * @param {string} url
 * @param {NodeJS.ProcessEnv} env
 * @returns {[string, ...string[]] | undefined}
 */
function findBrowser(url, { DISPLAY, WAYLAND_DISPLAY }) {
  // Without a screen, xdg-open would start a browser for terminals.
  return DISPLAY || WAYLAND_DISPLAY ? ['xdg-open', url] : undefined
}

export const posix = { endSelf, findBrowser, passSignalOn, signalTree, treeOptions }
