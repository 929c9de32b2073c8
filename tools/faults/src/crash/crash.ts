import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '../../../../test-support/client.ts'
import type { Scope } from '../../../../test-support/process.ts'
import { Posting } from './posting.ts'
import { type Disturbance, type Plan, schedule } from './schedule.ts'
import { Stack } from './stack.ts'
import { judge, type Stored, type Verdict } from './verdict.ts'

export interface CrashOptions extends Plan {
  readonly clients: number
  /** Of Postgres, beside its defaults. */
  readonly settings?: Record<string, string>
  readonly say?: (line: string) => void
}

export interface CrashReport extends Verdict {
  /** By what the client saw. */
  readonly refused: ReadonlyMap<string, number>
  readonly disturbances: readonly { readonly after: number; readonly what: Disturbance }[]
  readonly slowestMs: number
}

/** Posts, and kills the service and restarts Postgres meanwhile; then looks at what is in the database. */
export async function crash(scope: Scope, options: CrashOptions): Promise<CrashReport> {
  const { posts, clients, settings, say = () => {} } = options
  const stack = await Stack.start(scope, settings)
  const speaker = createClient(stack.url)
  const emails = ['ann', 'bob', 'cleo', 'dan'].map((name) => `${name}@example.com`)
  const tokens = await Promise.all(emails.map(async (email) => (await speaker.signUp(email)).token))
  // With whatever settings, the users and the tables are there to stay.
  await stack.cluster.query('CHECKPOINT')

  const posting = await Posting.prepare(posts, stack, speaker)
  const stop = new AbortController()
  const working = Promise.all(
    Array.from({ length: clients }, (_, index) =>
      posting.work(tokens[index % tokens.length] ?? '', stop.signal),
    ),
  )
  const disturbances = schedule(options)
  try {
    for (const { after, what } of disturbances) {
      // Who is refused waits, so that this is a matter of progress and not of time.
      while (posting.attempted.length < after) await sleep(1)
      say(`after ${after} posts: ${what === 'kill' ? 'the service is killed' : 'Postgres is restarted'}`)
      await stack[what]()
    }
  } catch (error) {
    // It does not come back.
    stop.abort()
    throw error
  } finally {
    await working
  }

  const rows = await stack.cluster.query('SELECT to_json(posts) FROM posts')
  const { refused, slowestMs } = posting
  return { ...judge(posting.attempted, rows as Stored[]), refused, disturbances, slowestMs }
}
