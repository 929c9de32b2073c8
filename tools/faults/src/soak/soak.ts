import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import fc from 'fast-check'
import pg from 'pg'
import { createClient } from '../../../../test-support/client.ts'
import { migrate } from '../../../../test-support/database.ts'
import type { Scope } from '../../../../test-support/process.ts'
import { readDocument } from '../contract.ts'
import { type ResourceUsage, startService } from '../service.ts'
import { Journal } from './journal.ts'
import { STEPS } from './steps.ts'
import { Visitor } from './visitor.ts'

export interface SoakOptions {
  readonly minutes: number
  readonly clients: number
  readonly seed: number
  /** Modules to load into the service first. */
  readonly imports?: string[]
  readonly log?: (line: string) => void
}

export interface SoakReport {
  readonly journal: Journal
  readonly samples: readonly Sample[]
}

/** The service's resource usage, and its connections to Postgres. Those that are not idle are busy. */
export type Sample = ResourceUsage & {
  readonly connections: number
  readonly busyConnections: number
}

/** All visitors pause for each sample, so no request is in progress then. */
const SAMPLES = 24
const POSTS = 100

export async function soak(scope: Scope, options: SoakOptions): Promise<SoakReport> {
  const { minutes, clients, seed, imports = [], log = () => {} } = options
  const database = await createTestDatabase()
  scope.teardown(() => database.drop())
  await migrate(database.url)
  const observer = new pg.Client({ connectionString: database.url })
  await observer.connect()
  scope.teardown(() => observer.end())
  const service = await startService(scope, { databaseUrl: database.url, imports })
  const client = createClient(service.url)
  const journal = new Journal(await readDocument(client))

  const visitors: Visitor[] = []
  for (let number = 1; number <= clients; number++) {
    visitors.push(await Visitor.arrive(client, `visitor${number}@example.com`, journal))
  }
  await observer.query(
    `INSERT INTO posts (title, content, owner_id) SELECT 'post ' || n, repeat('x', 500), 1 + n % $1 FROM generate_series(1, $2) n`,
    [clients, POSTS],
  )
  const plans = visitors.map((_, index) => steps(seed + index))
  const sample = async (): Promise<Sample> => {
    const { rows } = await observer.query(
      `SELECT count(*)::int AS all, count(*) FILTER (WHERE state <> 'idle')::int AS busy
       FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    )
    return { ...(await service.resourceUsage()), connections: rows[0].all, busyConnections: rows[0].busy }
  }

  const samples: Sample[] = []
  for (let round = 1; round <= SAMPLES; round++) {
    const until = performance.now() + (minutes * 60_000) / SAMPLES
    await Promise.all(
      visitors.map(async (visitor, index) => {
        const plan = plans[index] as ReturnType<typeof steps>
        while (performance.now() < until) {
          const [step, post] = plan.next().value
          await step(visitor, post).catch((error) => journal.recordFailure(error))
        }
      }),
    )
    samples.push(await sample())
    log(`${round} of ${SAMPLES}: ${journal.requests} requests, ${journal.errors.length} errors`)
  }
  for (const visitor of visitors) visitor.leave()
  return { journal, samples }
}

/** A visitor's steps, again and again in the same order for the same seed. */
function* steps(seed: number): Generator<[(typeof STEPS)[number][1], number], never> {
  const weighted = STEPS.flatMap(([times, step]) => Array<typeof step>(times).fill(step))
  const order = fc.sample(fc.tuple(fc.constantFrom(...weighted), fc.integer({ min: 1, max: POSTS })), {
    seed,
    numRuns: 1_000,
  })
  for (;;) yield* order
}
