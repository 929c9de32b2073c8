import { inspect, parseArgs } from 'node:util'
import { generate, type Program } from './program.ts'
import { Run, type Violation } from './run.ts'
import { shrink } from './shrink.ts'

const HELP = `Compares random programs with a model: npm run fuzz -w packages/db-session -- [options]

  --requests 10000     the number of requests
  --seconds S          stop after this time instead
  --seed N             the seed of the programs; by default one is chosen and printed
  --only INDEX         run one program of the seed, ten times
  --without KIND,KIND  leave out kinds of steps, or hooks ("hook")
  --url URL            a Postgres server to create a database on; by default a temporary one
  --via HOST:PORT      a PgBouncer in front of it, which the service connects to

Exits with 1 if the database session violated a guarantee, and prints the seed and the program.`

const BATCH = 250
const PROGRESS_EVERY_MS = 10_000

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    without: { type: 'string', default: '' },
    url: { type: 'string' },
    via: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit()
}
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const requests = values.seconds === undefined ? Number(values.requests) : Number.POSITIVE_INFINITY
const seconds = Number(values.seconds ?? Number.POSITIVE_INFINITY)
if ([seed, requests, seconds, Number(values.only ?? 0)].some(Number.isNaN)) throw new Error(HELP)
if (values.url) process.env.TEST_POSTGRES_URL = values.url

const without = new Set(values.without.split(','))
const program = (index: number): Program => generate(seed, index, without)
const range = (from: number, to: number): Program[] =>
  Array.from({ length: to - from }, (_, offset) => program(from + offset))

function show(what: Program): string {
  return inspect(what, { depth: null, breakLength: 110 })
}

/** Returns true if no guarantee was violated. */
async function main(): Promise<boolean> {
  const run = new Run()
  await run.open(values.via)
  const startedAt = performance.now()
  const elapsed = (): number => (performance.now() - startedAt) / 1000
  let done = 0
  const violations: Violation[] = []
  if (values.only !== undefined) {
    for (; done < 10 && violations.length === 0; done++)
      violations.push(...(await run.runBatch([program(Number(values.only))])))
  } else {
    let printedAt = performance.now()
    while (violations.length === 0 && done < requests && elapsed() < seconds) {
      const to = Math.min(done + BATCH, requests)
      violations.push(...(await run.runBatch(range(done, to))))
      done = to
      if (performance.now() - printedAt < PROGRESS_EVERY_MS) continue
      printedAt = performance.now()
      console.log(`  ${done} requests, ${elapsed().toFixed(0)} s`)
    }
  }

  for (const [status, count] of [...run.statuses].sort())
    console.log(`  ${String(count).padStart(7)}  ${status}`)
  const succeeded = (run.statuses.get('200') ?? 0) + (run.statuses.get('201') ?? 0)
  if (values.only === undefined && succeeded < done / 10) {
    violations.push({ what: `only ${succeeded} of ${done} requests succeeded, so little was checked` })
  }
  for (const { trace, what } of violations.slice(0, 20)) {
    console.log(`- ${trace ? `request ${trace.program.index}: ` : ''}${what}`)
  }
  const failed = [...new Set(violations.flatMap(({ trace }) => trace ?? []))]
  for (const trace of failed.slice(0, 5)) console.log(`\n${show(trace.program)}\n${trace.describe()}`)
  if (failed[0]) {
    const small = await shrink(run, failed[0].program)
    if (small) console.log(`\nThe first also fails on its own, and so does this part of it:\n${show(small)}`)
    else console.log('\nThe first does not fail on its own, only together with other requests.')
  }
  for (const { what } of await run.close()) violations.push({ what }) && console.log(`- ${what}`)
  console.log(
    `${violations.length === 0 ? 'pass' : 'FAIL'}: seed ${seed}, ${done} requests, ${elapsed().toFixed(0)} s`,
  )
  return violations.length === 0
}

// the run counts uncaught exceptions as faults of the database session, so this program must not cause any
main().then(
  (passes) => process.exit(passes ? 0 : 1),
  (error) => {
    console.error(error)
    process.exit(2)
  },
)
