import type { ChildProcess } from 'node:child_process'

/** Options for `spawn`, with which everything that the program starts can be ended with it. */
export const treeOptions: { readonly detached?: boolean; readonly windowsHide?: boolean }

/** Sends a signal to a program that was started with `treeOptions`, and to everything that it has started. */
export function signalTree(pid: number, signal: NodeJS.Signals): void

/** Passes a signal on to a command that runs in the foreground, unless the terminal has sent it to the command as well. */
export function passSignalOn(command: ChildProcess, signal: NodeJS.Signals): void

/** Returns the command that opens a page in the default browser, or undefined on a machine without a screen. */
export function findBrowser(url: string, env: NodeJS.ProcessEnv): [string, ...string[]] | undefined
