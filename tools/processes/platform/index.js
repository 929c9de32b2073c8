import { darwin } from './darwin.js'
import { posix } from './posix.js'
import { win32 } from './win32.js'

const platforms = { darwin, win32 }

/** The implementation for this system, chosen here and nowhere else. */
export const { endSelf, findBrowser, passSignalOn, signalTree, treeOptions } =
  platforms[process.platform] ?? posix
