import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import { createClient } from '../../../../test-support/client.ts'
import { migrate } from '../../../../test-support/database.ts'
import type { Scope } from '../../../../test-support/process.ts'
import { judgeUsage } from '../resource-usage.ts'
import { type ResourceUsage, startService } from '../service.ts'
import { fuzz } from './fuzz.ts'

export interface FuzzProcessOptions {
  readonly requests: number
  readonly seed: number
  readonly log?: (line: string) => void
}

const ROUNDS = 24

/** Fuzzes the built service in its own process, so that its memory can be measured. */
export async function fuzzProcess(scope: Scope, options: FuzzProcessOptions) {
  const { requests, seed, log = () => {} } = options
  const database = await createTestDatabase()
  scope.teardown(() => database.drop())
  await migrate(database.url)
  const service = await startService(scope, { databaseUrl: database.url })
  const samples: ResourceUsage[] = []
  const counts = await fuzz(createClient(service.url), {
    requests,
    seed,
    rounds: ROUNDS,
    async afterRound(round, counts) {
      samples.push(await service.resourceUsage())
      const sent = [...counts.values()].reduce((sum, count) => sum + count['2xx'] + count['4xx'], 0)
      log(`${round} of ${ROUNDS}: ${sent} requests`)
    },
  })
  const usage = judgeUsage(samples)
  return {
    isWell: usage.isFlat && [...counts.values()].every((count) => count['2xx'] > 0 && count['4xx'] > 0),
    lines: [
      ...[...counts].map(
        ([operation, { '2xx': good, '4xx': bad }]) =>
          `${operation.padEnd(24)} ${String(good).padStart(6)} 2xx ${String(bad).padStart(6)} 4xx`,
      ),
      '',
      ...usage.lines,
    ],
  }
}
