import { fork } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import pg from 'pg'
import type { Figure, Kind } from './variant.ts'

const HELP = `Compares a session with other ways to use Postgres: npm run bench -w packages/db-session -- [options]

It takes about ten minutes.

  --rounds 15              rounds of all variants in turn, a multiple of 3; the median round counts
  --at-once 8              concurrent requests
  --only none|read|write   one kind of route
  --network 0|1            milliseconds of network to Postgres; by default both

Exits with 1 if a goal is missed.`

/*
 * Each variant runs in its own process, as in an application, which has only one: the compiler optimizes code for all of its
 * callers. Two variants are compared round by round: if other programs use the machine, they slow down neighboring rounds alike.
 */

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    'at-once': { type: 'string', default: '8' },
    only: { type: 'string' },
    network: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(HELP)
  process.exit()
}
const ROUNDS = Number(options.rounds)
const AT_ONCE = options['at-once']
const WARM_UP_ROUNDS = 8
const STARTS = 3
const KINDS: readonly Kind[] = ['none', 'read', 'write']
const VARIANTS: Record<Kind, readonly string[]> = {
  none: ['plain', 'session'],
  read: ['autocommit', 'knex.transaction', 'session', 'session.query', 'fastify-postgres'],
  write: ['autocommit', 'knex.transaction', 'session', 'session.query', 'fastify-postgres'],
}
/** At least this many times the requests per second of the other variant. */
const GOALS: readonly (readonly [network: number, Kind, of: string, against: string, goal: number])[] = [
  [0, 'none', 'session', 'plain', 0.95],
  [0, 'read', 'session', 'knex.transaction', 1.5],
  [1, 'read', 'session', 'knex.transaction', 2],
  [0, 'write', 'session', 'knex.transaction', 1.4],
  [1, 'write', 'session', 'knex.transaction', 1.4],
]

interface Variant {
  measure(requests: number): Promise<Figure>
  end(): void
}

function startVariant(name: string, kind: Kind, url: string): Variant {
  const child = fork(new URL('variant.ts', import.meta.url), [name, url, AT_ONCE])
  child.once('exit', (code) => {
    if (code !== 0) throw new Error(`The process of ${name} ended with exit code ${code}.`)
  })
  return {
    async measure(requests) {
      child.send({ url: `/${kind}`, requests })
      const [figure] = await once(child, 'message')
      return figure
    },
    end: () => child.disconnect(),
  }
}

/** The figures of each variant, round by round. */
async function compare(kind: Kind, network: number, url: string): Promise<Map<string, Figure[]>> {
  const requests = kind === 'none' ? 10_000 : network === 0 ? 3_000 : 1_000
  const figures = new Map(VARIANTS[kind].map((name) => [name, [] as Figure[]]))
  // the speed of a process depends on how V8 has compiled it, so there are several of each variant
  for (let start = 0; start < STARTS; start++) {
    const variants = VARIANTS[kind].map((name) => ({ name, ...startVariant(name, kind, url) }))
    for (const { measure } of variants) await measure(requests * WARM_UP_ROUNDS)
    for (let round = 0; round < ROUNDS / STARTS; round++)
      for (let turn = 0; turn < variants.length; turn++) {
        const { name, measure } = variants[(turn + round) % variants.length] as (typeof variants)[number]
        figures.get(name)?.push(await measure(requests))
      }
    for (const { end } of variants) end()
  }
  return figures
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number

const database = await createTestDatabase()
const admin = new pg.Client({ connectionString: database.url })
await admin.connect()
await admin.query(`create table items (id int primary key, n int not null default 0);
  insert into items select g from generate_series(1, 1000) g; analyze items`)
await admin.end()

const { hostname, port } = new URL(database.url)
const delay = fork(new URL('delay.ts', import.meta.url), [hostname, port, '1'])
const [delayPort] = await once(delay, 'message')
const far = new URL(database.url)
far.host = `127.0.0.1:${delayPort}`

let misses = 0
for (const [network, url] of [
  [0, database.url],
  [1, far.href],
] as const) {
  if (options.network !== undefined && Number(options.network) !== network) continue
  console.log(`\n${network} ms of network, ${AT_ONCE} requests at once, ${ROUNDS} rounds`)
  for (const kind of KINDS) {
    // a route without a statement does not use the network
    if ((options.only ?? kind) !== kind || (kind === 'none' && network > 0)) continue
    const figures = await compare(kind, network, url)
    for (const [variant, rounds] of figures) {
      const perSecond = median(rounds.map((figure) => figure.perSecond)).toFixed(0)
      const cpu = median(rounds.map((figure) => figure.cpu)).toFixed(1)
      console.log(
        `  ${kind.padEnd(5)} ${variant.padEnd(16)} ${perSecond.padStart(6)} req/s ${cpu.padStart(6)} µs CPU`,
      )
    }
    for (const [at, goalKind, of, against, goal] of GOALS) {
      if (at !== network || goalKind !== kind) continue
      const others = figures.get(against) as Figure[]
      const ratios = figures
        .get(of)
        ?.map(({ perSecond }, round) => perSecond / (others[round] as Figure).perSecond)
      const ratio = median(ratios as number[])
      if (ratio < goal) misses++
      console.log(
        `  ${ratio < goal ? 'MISS ' : 'pass '} ${of} / ${against}: ${ratio.toFixed(2)} (goal ${goal})`,
      )
    }
  }
}
delay.kill()
await database.drop()
process.exitCode = misses === 0 ? 0 : 1
