import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import { createClient } from '../../../../test-support/client.ts'
import { migrate } from '../../../../test-support/database.ts'
import type { Scope } from '../../../../test-support/process.ts'
import { judgeHoldings } from '../holdings.ts'
import { type Holdings, startService } from '../service.ts'
import { fuzz } from './fuzz.ts'

export interface FuzzProcessOptions {
  readonly requests: number
  readonly seed: number
  readonly say?: (line: string) => void
}

const ROUNDS = 24

/** Fuzzes the built service in a process of its own, so that its memory can be told from that of the fuzzing. */
export async function fuzzProcess(scope: Scope, options: FuzzProcessOptions) {
  const { requests, seed, say = () => {} } = options
  const database = await createTestDatabase()
  scope.teardown(() => database.drop())
  await migrate(database.url)
  const service = await startService(scope, { databaseUrl: database.url })
  const samples: Holdings[] = []
  const counts = await fuzz(createClient(service.url), {
    requests,
    seed,
    rounds: ROUNDS,
    async afterRound(round, counts) {
      samples.push(await service.holdings())
      const sent = [...counts.values()].reduce((sum, count) => sum + count['2xx'] + count['4xx'], 0)
      say(`${round} of ${ROUNDS}: ${sent} requests`)
    },
  })
  const held = judgeHoldings(samples)
  return {
    isWell: held.isFlat && [...counts.values()].every((count) => count['2xx'] > 0 && count['4xx'] > 0),
    lines: [
      ...[...counts].map(
        ([operation, { '2xx': good, '4xx': bad }]) =>
          `${operation.padEnd(24)} ${String(good).padStart(6)} 2xx ${String(bad).padStart(6)} 4xx`,
      ),
      '',
      ...held.lines,
    ],
  }
}
