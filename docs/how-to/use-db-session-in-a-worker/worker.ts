import { createUnitOfWork } from '@auth-primer/db-session/unit-of-work'
import type { Knex } from 'knex'

export function createWorker(knex: Knex) {
  // #region unit-of-work
  const unitOfWork = createUnitOfWork({ knex, statementTimeoutMs: 30_000 })
  // #endregion

  // #region job
  /** Runs the oldest job. Resolves with false if there is none. */
  const runNextJob = (): Promise<boolean> =>
    unitOfWork(
      async (db) => {
        const { rows } = await db.query<{ id: number; email: string }>(
          'SELECT id, email FROM jobs WHERE done_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED',
        )
        const [job] = rows
        if (job === undefined) return false
        await db('invitations').insert({ email: job.email })
        await db('jobs').where({ id: job.id }).update({ done_at: db.fn.now() })
        return true
      },
      { retry: 3 },
    )
  // #endregion

  // #region loop
  async function runAllJobs(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await runNextJob()));
    await unitOfWork.close()
  }
  // #endregion

  return { runNextJob, runAllJobs }
}
