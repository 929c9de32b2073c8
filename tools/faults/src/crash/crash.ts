import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '../../../../test-support/client.ts'
import type { Scope } from '../../../../test-support/process.ts'
import { PostWorkload } from './post-workload.ts'
import { type Disturbance, type Plan, schedule } from './schedule.ts'
import { TestStack } from './test-stack.ts'
import { judge, type Stored, type Verdict } from './verdict.ts'

export interface CrashOptions extends Plan {
  readonly clients: number
  /** Settings of Postgres that differ from its defaults. */
  readonly settings?: Record<string, string>
  readonly log?: (line: string) => void
}

export interface CrashReport extends Verdict {
  /** How often posts were rejected, by response or error. */
  readonly refused: ReadonlyMap<string, number>
  readonly disturbances: readonly { readonly after: number; readonly what: Disturbance }[]
  readonly slowestMs: number
}

/** Sends posts while it kills the service and restarts Postgres, then compares the responses with the database. */
export async function crash(scope: Scope, options: CrashOptions): Promise<CrashReport> {
  const { posts, clients, settings, log = () => {} } = options
  const stack = await TestStack.start(scope, settings)
  const client = createClient(stack.url)
  const emails = ['ann', 'bob', 'cleo', 'dan'].map((name) => `${name}@example.com`)
  const tokens = await Promise.all(emails.map(async (email) => (await client.signUp(email)).token))
  // The users and the tables must survive, no matter what the settings are.
  await stack.cluster.query('CHECKPOINT')

  const workload = await PostWorkload.prepare(posts, stack, client)
  const stop = new AbortController()
  const working = Promise.all(
    Array.from({ length: clients }, (_, index) =>
      workload.work(tokens[index % tokens.length] ?? '', stop.signal),
    ),
  )
  const disturbances = schedule(options)
  try {
    for (const { after, what } of disturbances) {
      // Rejected posts are repeated, so this depends on progress and not on time.
      while (workload.attempted.length < after) await sleep(1)
      log(`after ${after} posts: ${what === 'kill' ? 'the service is killed' : 'Postgres is restarted'}`)
      await stack[what]()
    }
  } catch (error) {
    // The service does not come back.
    stop.abort()
    throw error
  } finally {
    await working
  }

  const rows = await stack.cluster.query('SELECT to_json(posts) FROM posts')
  const { refused, slowestMs } = workload
  return { ...judge(workload.attempted, rows as Stored[]), refused, disturbances, slowestMs }
}
