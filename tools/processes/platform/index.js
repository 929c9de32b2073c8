import { posix } from './posix.js'
import { win32 } from './win32.js'

/** The implementation for this system, chosen here and nowhere else. */
export const { endSelf, passSignalOn, signalTree, treeOptions } = process.platform === 'win32' ? win32 : posix
