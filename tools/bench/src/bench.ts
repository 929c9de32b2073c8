/**
 * Measures the service next to a bare Fastify with pg, on a new Postgres that writes to disk as in production:
 * `npm run bench -w tools/bench`. Both are measured in turn. Each figure is the median of the rounds, and each ratio is the
 * median of the ratios of the rounds.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { migrateToLatest } from '@auth-primer/migrations'
import { attachPostgres } from '@auth-primer/tool-postgres'
import { openKnex } from '../../../test-support/database.ts'
import { measureBcrypt } from './bcrypt.ts'
import { createSeed, listNumbers } from './data.ts'
import { measureLatencies } from './latency.ts'
import { CONNECTIONS, type Figures, LOGIN, measure, OPERATIONS, type Requests, warmUp } from './load.ts'
import { median, quantile } from './median.ts'
import { plot } from './plot.ts'
import { logIn, type Server, SIDES, type Side, startServer } from './servers.ts'
import { formatTable, insertFigures, type Row } from './table.ts'

const USAGE = `Usage: npm run bench -w tools/bench -- [options]

  --rounds 4       how often each is measured, after a warm-up
  --seconds 2      the duration of a measurement; four times as long for logins
  --warm-up 8000   requests to each process before, so that V8 compiles the hot code
  --cost 12        the cost of bcrypt
  --only <words>   measure only figures whose names contain this text
  --write          write the figures into docs/explanation/performance.md, and the plot next to it`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '2' },
    'warm-up': { type: 'string', default: '8000' },
    cost: { type: 'string', default: '12' },
    only: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) console.log(USAGE)
else {
  await main().catch((error: Error) => {
    console.error(error.message)
    process.exitCode = 1
  })
  // After an interrupt, requests are still under way.
  process.exit()
}

async function main(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'auth-primer-bench-'))
  const postgres = await attachPostgres({ dir })
  const knex = openKnex(postgres.url, 2)
  const servers: Server[] = []
  try {
    await migrateToLatest(knex)
    const seed = await createSeed(knex, Number(values.cost))
    await seed()
    const start = async (side: Side) => {
      const server = await startServer(side, createEnvironment(postgres.url))
      servers.push(server)
      return server
    }
    await Promise.race([run(start, seed), waitForInterruption()])
  } finally {
    for (const server of servers) await server.stop()
    await knex.destroy()
    await postgres.leave()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Rejects on a signal, so that the servers are stopped. */
function waitForInterruption(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        // Requests under way fail, and nothing awaits them then.
        process.on('unhandledRejection', () => {})
        reject(new Error(`${signal}: stopped`))
      })
    }
  })
}

/** The environment of production, with the rate limits set to their maximum. */
function createEnvironment(databaseUrl: string): Record<string, string> {
  return {
    NODE_ENV: 'production',
    DATABASE_URL: databaseUrl,
    JWT_SECRET: 'sK3bq-2v9xWm7pQzT4rLd8Yh6NcFj1Ga0Ue5',
    BCRYPT_COST: values.cost,
    ACCESS_TOKEN_TTL: '1d',
    THROTTLE_REQUESTS_PER_MINUTE: '1000000',
    THROTTLE_SIGN_UPS_PER_MINUTE: '1000000',
    THROTTLE_FAILED_LOGINS_PER_ACCOUNT: '1000000',
    THROTTLE_FAILED_LOGINS_PER_ADDRESS: '1000000',
  }
}

type Start = (side: Side) => Promise<Server>

async function run(start: Start, seed: () => Promise<void>): Promise<void> {
  const rounds = Number(values.rounds)
  const seconds = Number(values.seconds)
  const isWanted = (name: string) => name.includes(values.only)
  const rows: Row[] = []
  const report = (row: Row) => {
    rows.push(row)
    console.log(formatTable([row]).at(-1))
  }
  console.log(formatTable([]).join('\n'))

  if (isWanted('start')) await measureStart(start, report)
  const one = await startPair(start)
  const tokens = await createTokens(one.service[0] as Server)
  const two: Pair = { service: [...one.service], bare: [...one.bare] }
  let memory = 0

  for (const processes of [1, 2]) {
    if (processes === 2) for (const side of SIDES) two[side].push(await start(side))
    const sides = processes === 1 ? one : two
    for (const [name, requests] of Object.entries(OPERATIONS).filter(([name]) => isWanted(name))) {
      const figures = await inTurns(sides, requests, rounds, seconds)
      memory = Math.max(memory, ...figures.service.map((one) => one.memory))
      report({ what: name, processes, ...summarize(figures) })
    }
    if (isWanted('POST /login')) {
      const figures = await inTurns(sides, LOGIN, Math.ceil(rounds / 2), seconds * 4, false)
      const alone: number[] = []
      for (const _ of figures.service) alone.push(await measureBcrypt(seconds * 2, Number(values.cost)))
      const ratios = figures.service.map(({ perSecond }, round) => perSecond / (alone[round] as number))
      report({ what: 'POST /login', processes, ...summarize(figures) })
      report({
        what: 'POST /login, next to bcrypt alone',
        processes,
        bare: { perSecond: median(alone) },
        ratio: median(ratios),
      })
    }
  }
  if (isWanted('while')) await measureLatency(one, seconds, report)
  if (memory > 0)
    report({ what: 'largest memory of a process of the service, in MB', value: memory.toFixed(0) })

  async function inTurns(sides: Pair, requests: Requests, rounds: number, seconds: number, warms = true) {
    const figures: Record<Side, Figures[]> = { service: [], bare: [] }
    for (const side of warms ? SIDES : []) {
      await seed()
      await warmUp(sides[side], requests, tokens, Number(values['warm-up']))
    }
    for (let round = 0; round < rounds; round++) {
      for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
        await seed()
        figures[side].push(await measure(sides[side], requests, tokens, seconds))
      }
    }
    return figures
  }

  if (values.write) {
    await insertFigures(rows, { rounds, seconds })
    await writeFile(new URL('../../../docs/explanation/performance.svg', import.meta.url), plot(rows))
  }
}

type Pair = Record<Side, Server[]>

async function startPair(start: Start): Promise<Pair> {
  return { service: [await start('service')], bare: [await start('bare')] }
}

function summarize({ service, bare }: Record<Side, Figures[]>): Omit<Row, 'what'> {
  const of = (figures: Figures[]) => ({
    perSecond: median(figures.map((one) => one.perSecond)),
    cpu: median(figures.map((one) => one.cpu)),
    p99: median(figures.map((one) => one.p99)),
  })
  return {
    service: of(service),
    bare: of(bare),
    ratio: median(service.map(({ perSecond }, round) => perSecond / (bare[round] as Figures).perSecond)),
    cpuRatio: median(service.map(({ cpu }, round) => (bare[round] as Figures).cpu / cpu)),
  }
}

async function measureStart(start: Start, report: (row: Row) => void): Promise<void> {
  const times: number[] = []
  for (const _ of listNumbers(5)) {
    const server = await start('service')
    times.push(server.startedMs)
    await server.stop()
  }
  report({ what: 'from the start to the first response, in ms', value: median(times).toFixed(0) })
}

async function measureLatency(sides: Pair, seconds: number, report: (row: Row) => void): Promise<void> {
  for (const side of SIDES) {
    const quiet: number[] = []
    for (const clients of [0, 8, 64]) {
      const times = await measureLatencies(sides[side][0] as Server, clients, seconds * 8)
      if (clients === 0) quiet.push(...times)
      const factor = quantile(times, 0.99) / quantile(quiet, 0.99)
      report({
        what: `GET / while ${clients} log in, ${side}: median and p99 in ms`,
        value: `${quantile(times, 0.5).toFixed(1)} and ${quantile(times, 0.99).toFixed(1)}`,
        ...(clients > 0 && { ratio: factor }),
      })
    }
  }
}

/** Returns a token for each connection. */
async function createTokens({ url }: Server): Promise<string[]> {
  const tokens: string[] = []
  for (const user of listNumbers(CONNECTIONS)) {
    const response = await logIn(url, user)
    tokens.push(((await response.json()) as { access_token: string }).access_token)
  }
  return tokens
}
