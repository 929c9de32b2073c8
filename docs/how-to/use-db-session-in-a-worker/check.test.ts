import { DbSessionError } from '@auth-primer/db-session/unit-of-work'
import t from 'tap'
import { openDatabase } from '../../check/database.ts'
import { createWorker } from './worker.ts'

const { knex } = await openDatabase(t, new URL('jobs.sql', import.meta.url))
const { runNextJob, runAllJobs } = createWorker(knex)
const addJobs = (...emails: string[]) => knex('jobs').insert(emails.map((email) => ({ email })))
const openJobs = () => knex('jobs').whereNull('done_at').pluck('email')

t.test('two workers never run the same job', async (t) => {
  await addJobs('ada@example.org', 'bob@example.org')
  t.same(await Promise.all([runNextJob(), runNextJob()]), [true, true])
  t.same(await knex('invitations').orderBy('email').pluck('email'), ['ada@example.org', 'bob@example.org'])
  t.equal(await runNextJob(), false, 'no job is left')
})

t.test('a job that fails rolls back, stays open and rejects with the code of the error', async (t) => {
  await addJobs('ada@example.org')
  await t.rejects(runNextJob(), { code: 'DB_SESSION_CONSTRAINT' })
  await t.rejects(runNextJob(), DbSessionError)
  t.same(await openJobs(), ['ada@example.org'])
  await knex('jobs').whereNull('done_at').delete()
})

t.test('the loop ends when no job is left, and then rejects new work', async (t) => {
  await addJobs('eve@example.org', 'dan@example.org')
  await runAllJobs(new AbortController().signal)
  t.same(await openJobs(), [])
  await t.rejects(runNextJob(), { code: 'DB_SESSION_CLOSING' })
})
