/**
 * Compares this package with bcrypt alone, in one run: `npm run bench -w packages/auth-hash`. With `-- --quick`, it uses cost
 * 10 and takes a quarter of the time.
 */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import bcrypt from 'bcrypt'
import { createHasher, selfTest } from '../src/index.ts'
import type { Load } from './load.ts'
import type { Work } from './measure.ts'
import { best, inTurns, measureCpu, measureTime, median, quantile } from './measure.ts'

const quick = process.argv.includes('--quick')
const COST = quick ? 10 : 12
const ROUNDS = 15

const hasher = createHasher({ cost: COST })
const today = await bcrypt.hash('right', COST)
const atTwoLess = await bcrypt.hash('right', COST - 2)
const atFour = await bcrypt.hash('right', 4)

interface Row {
  readonly what: string
  readonly figure: string
  readonly goal?: string
  readonly met?: boolean
}
const rows: Row[] = []

/** Adds a line to the table. A goal is an upper or a lower bound. */
function report(what: string, value: number, unit: string, goal: { max?: number; min?: number } = {}) {
  const figure = `${value.toFixed(value < 10 && unit !== '%' ? 3 : 1)} ${unit}`
  const { max, min } = goal
  if (max !== undefined) rows.push({ what, figure, goal: `≤ ${max} ${unit}`, met: value <= max })
  else if (min !== undefined) rows.push({ what, figure, goal: `≥ ${min} ${unit}`, met: value >= min })
  else rows.push({ what, figure })
}

const wrong =
  (hash: string | null, password = 'wrong') =>
  () =>
    hasher.verify({ password, hash })

async function cpu() {
  const { compare, verify } = await inTurns(
    { compare: () => bcrypt.compare('wrong', today), verify: wrong(today) },
    { rounds: 2 * ROUNDS, measure: measureCpu, summary: median },
  )
  report('CPU of one compare, bare', compare, 'ms')
  report('CPU, verify ÷ compare', verify / compare, '×', { max: 1.02 })
}

async function spread() {
  const medians = await inTurns(
    {
      'wrong password': wrong(today),
      'unknown user': wrong(null),
      garbage: wrong('garbage'),
      [`old cost ${COST - 2}`]: wrong(atTwoLess),
      'old cost 4': wrong(atFour),
      'too long': wrong(today, 'a'.repeat(73)),
    },
    { rounds: ROUNDS, measure: measureCpu, summary: median },
  )
  const usual = medians['wrong password'] as number
  for (const [kind, ms] of Object.entries(medians)) report(`CPU, ${kind} ÷ wrong password`, ms / usual, '×')
  const all = Object.values(medians)
  report('CPU, spread over all of these', (Math.max(...all) / Math.min(...all) - 1) * 100, '%', { max: 3 })
}

async function throughput() {
  const many = 4 * availableParallelism()
  const all = (logIn: Work) => () => Promise.all(Array.from({ length: many }, logIn))
  const works = { bare: all(() => bcrypt.compare('wrong', today)), ours: all(wrong(today)) }
  const { bare, ours } = await inTurns(works, { rounds: ROUNDS, measure: measureTime, summary: best })
  report('logins per second when saturated, bare, best round', (many / bare) * 1000, '/s')
  report('throughput when saturated, ours ÷ bare, best rounds', bare / ours, '×', { min: 0.98 })
}

function medianLoad(loads: readonly Load[]): Load {
  const of = (key: keyof Load) => median(loads.map((one) => one[key]))
  return {
    readFile: of('readFile'),
    lookup: of('lookup'),
    eventLoop: of('eventLoop'),
    all: of('all'),
    rejected: of('rejected'),
  }
}

async function load() {
  const script = fileURLToPath(new URL('load.ts', import.meta.url))
  const run = async (side: string, logins: number): Promise<Load> => {
    const args = [...process.execArgv, script, side, String(logins), String(COST)]
    return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout)
  }
  for (const [logins, rounds] of [
    [8, 5],
    [32, 5],
    [1000, 1],
  ] as const) {
    const loads = { bare: [] as Load[], ours: [] as Load[] }
    for (let round = 0; round < rounds; round += 1) {
      loads.bare.push(await run('bare', logins))
      loads.ours.push(await run('ours', logins))
    }
    const bare = medianLoad(loads.bare)
    const ours = medianLoad(loads.ours)
    for (const [name, key] of [
      ['fs.readFile', 'readFile'],
      ['dns.lookup', 'lookup'],
      ['event-loop delay', 'eventLoop'],
    ] as const) {
      report(`${logins} logins: ${name} p99, bare`, bare[key], 'ms')
      report(`${logins} logins: ${name} p99, ours`, ours[key], 'ms')
      const goal = logins === 32 && key === 'readFile' ? { min: 20 } : {}
      report(`${logins} logins: ${name} p99, bare ÷ ours`, bare[key] / ours[key], '×', goal)
    }
    report(`${logins} logins: until all have a result, bare`, bare.all / 1000, 's')
    report(`${logins} logins: until all have a result, ours`, ours.all / 1000, 's')
    rows.push({ what: `${logins} logins: rejected immediately by ours`, figure: String(ours.rejected) })
  }
}

/** Measures how soon a call is rejected. */
async function latency() {
  const full = createHasher({ cost: COST, concurrency: 1, maxQueue: 200 })
  const settled = (call: Promise<unknown>) => call.catch(() => {})
  settled(full.hash('right'))
  const waiting = Array.from({ length: 200 }, () => {
    const controller = new AbortController()
    return { controller, call: full.verify({ password: 'wrong', hash: today, signal: controller.signal }) }
  })
  const overloads: number[] = []
  const refusals: number[] = []
  const aborts: number[] = []
  const aboveMaxCost = today.replace(`$${COST}$`, '$30$')
  for (const { controller, call } of waiting) {
    overloads.push(await measureTime(() => settled(full.hash('right'))))
    refusals.push(await measureTime(() => full.verify({ password: 'wrong', hash: aboveMaxCost })))
    aborts.push(
      await measureTime(() => {
        controller.abort()
        return settled(call)
      }),
    )
    // Fills the queue again, so the next call is rejected, too.
    settled(full.hash('right'))
  }
  report('overload, latency p99', quantile(overloads, 0.99), 'ms', { max: 5 })
  report('abort while waiting, latency p99', quantile(aborts, 0.99), 'ms', { max: 5 })
  report('cost above maxCost, latency p99', quantile(refusals, 0.99), 'ms', { max: 5 })
}

const { selfTestTime } = await inTurns(
  { selfTestTime: selfTest },
  { rounds: ROUNDS, measure: measureTime, summary: median },
)
report('self-test', selfTestTime, 'ms')
await cpu()
await spread()
await throughput()
await load()
await latency()

console.log(
  `cost ${COST}, ${availableParallelism()} cores, Node ${process.versions.node}; medians of interleaved rounds, except where it says best\n`,
)
for (const { what, figure, goal = '', met } of rows) {
  const mark = met === undefined ? '' : met ? 'met' : 'MISSED'
  console.log(`${what.padEnd(52)}${figure.padStart(14)}  ${goal.padEnd(12)}${mark}`)
}
// Hashes are still waiting in the queue.
process.exit()
