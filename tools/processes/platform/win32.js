import { spawnSync } from 'node:child_process'

/** A detached program would open a new console window. */
const treeOptions = { windowsHide: true }

/**
 * Windows has no signals, so the programs end without running their handlers. taskkill finds them by their parents: call it
 * while the first one is still running.
 *
 * @param {number} pid
 */
function signalTree(pid) {
  spawnSync('taskkill', ['/PID', `${pid}`, '/T', '/F'], { stdio: 'ignore', windowsHide: true })
}

/**
 * A console sends everything but SIGTERM to all of its programs.
 *
 * @param {import('node:child_process').ChildProcess} command
 * @param {NodeJS.Signals} signal
 */
function passSignalOn({ pid }, signal) {
  if (signal === 'SIGTERM' && pid !== undefined) signalTree(pid)
}

/** Runs the handlers of SIGTERM. `process.kill` would end the process without them. */
function endSelf() {
  if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(1)
}

/**
 * `start` is a command of cmd.exe. Its first quoted argument is the title of a window.
 *
 * @param {string} url
 */
const findBrowser = (url) => ['cmd', '/c', 'start', '""', url]

export const win32 = { endSelf, findBrowser, passSignalOn, signalTree, treeOptions }
