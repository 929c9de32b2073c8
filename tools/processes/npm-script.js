// `node --import ./tools/processes/npm-script.js …` ends a program together with its npm script. npm sends the signals that it
// gets to the shell of the script. The shell ends, and its program would go on. So it looks for its parent.
import { isMainThread } from 'node:worker_threads'
import { endSelf } from './platform/index.js'

const INTERVAL_MS = 100

function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code !== 'ESRCH'
  }
}

// A worker runs this file as well.
if (isMainThread) {
  const parent = process.ppid
  const timer = setInterval(() => {
    // On Linux and macOS, an orphan gets another parent. On Windows, it keeps the number.
    if (process.ppid === parent && isAlive(parent)) return
    clearInterval(timer)
    endSelf()
  }, INTERVAL_MS).unref()
}
