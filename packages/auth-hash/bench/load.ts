/**
 * Measures how long other work in a process takes while logins are waiting. Runs in a process of its own, because bcrypt alone
 * cannot be stopped. Arguments: `bare` or `ours`, the number of logins, and the cost. Prints one line of JSON.
 */
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import bcrypt from 'bcrypt'
import { createHasher } from '../src/index.ts'
import type { Work } from './measure.ts'
import { measureTime, quantile } from './measure.ts'

export interface Load {
  /** The 99th percentile, in milliseconds, as in the next two. */
  readonly readFile: number
  readonly lookup: number
  readonly eventLoop: number
  /** Milliseconds until the last login had a result. */
  readonly all: number
  readonly rejected: number
}

/** Each open file needs a descriptor, and a process may have as few as 1,024 of them. */
const MAX_OPEN_FILES = 500

const [side, logins, cost] = process.argv.slice(2)
const hash = await bcrypt.hash('right', Number(cost))
const hasher = createHasher({ cost: Number(cost) })
const logIn: Work = {
  bare: () => bcrypt.compare('wrong', hash),
  ours: () => hasher.verify({ password: 'wrong', hash }),
}[side as 'bare' | 'ours']

// Starts a probe every 10 ms, even if earlier ones are still waiting. Waiting for each would leave the slow times out.
const files: Promise<number>[] = []
const names: Promise<number>[] = []
const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()
const start = performance.now()
const results = Promise.allSettled(Array.from({ length: Number(logins) }, logIn))
let openFiles = 0
const probe = setInterval(() => {
  if (openFiles < MAX_OPEN_FILES) {
    openFiles += 1
    files.push(measureTime(() => readFile(import.meta.filename)).finally(() => (openFiles -= 1)))
  }
  names.push(measureTime(() => lookup('localhost')))
}, 10)
const rejected = (await results).filter(({ status }) => status === 'rejected').length
const all = performance.now() - start
clearInterval(probe)
delay.disable()

const load: Load = {
  readFile: quantile(await Promise.all(files), 0.99),
  lookup: quantile(await Promise.all(names), 0.99),
  eventLoop: delay.percentile(99) / 1e6,
  all,
  rejected,
}
console.log(JSON.stringify(load))
