/**
 * How the rest of a process fares while log-ins are waiting: run as a process of its own, since bare bcrypt cannot be
 * stopped. Arguments: who computes, how many log-ins, at which cost. Prints one line of JSON.
 */
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import bcrypt from 'bcrypt'
import { createHasher } from '../src/index.ts'
import type { Work } from './measure.ts'
import { quantile, timeOf } from './measure.ts'

export interface Load {
  /** Milliseconds. */
  readonly readFile: number
  readonly lookup: number
  readonly eventLoop: number
  /** Until the last log-in was answered. */
  readonly all: number
  readonly turnedAway: number
}

const [who, logIns, cost] = process.argv.slice(2)
const hash = await bcrypt.hash('right', Number(cost))
const hasher = createHasher({ cost: Number(cost) })
const logIn: Work = {
  bare: () => bcrypt.compare('wrong', hash),
  ours: () => hasher.verify({ password: 'wrong', hash }),
}[who as 'bare' | 'ours']

// Every 10 ms, whether or not those before have come back: who waits for an answer before asking again measures too little.
const files: Promise<number>[] = []
const names: Promise<number>[] = []
const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()
const start = performance.now()
const answers = Promise.allSettled(Array.from({ length: Number(logIns) }, logIn))
const probe = setInterval(() => {
  files.push(timeOf(() => readFile(import.meta.filename)))
  names.push(timeOf(() => lookup('localhost')))
}, 10)
const turnedAway = (await answers).filter(({ status }) => status === 'rejected').length
const all = performance.now() - start
clearInterval(probe)
delay.disable()

const load: Load = {
  readFile: quantile(await Promise.all(files), 0.99),
  lookup: quantile(await Promise.all(names), 0.99),
  eventLoop: delay.percentile(99) / 1e6,
  all,
  turnedAway,
}
console.log(JSON.stringify(load))
