import pg from 'pg'
import t from 'tap'
import { cancel } from '../src/cancel.ts'
import type { PgConnection } from '../src/source.ts'
import { openDatabase, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)
const ROUNDS = 20
const asleep = async () =>
  (
    await database.see(
      `select count(*)::int from pg_stat_activity where datname = current_database() and query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()`,
    )
  )[0]
const median = (times: number[]) => times.toSorted((a, b) => a - b)[times.length >> 1] as number

t.test('the slot of a request that ends early is free as soon as Postgres lets go of it', async (t) => {
  const { base, knex, app } = await start(t, database, (app) => {
    app.get('/', async (request) => {
      await request.db.raw('select pg_backend_pid()')
      await request.db.raw('select pg_sleep(60)')
    })
    app.get('/times-out', { handlerTimeout: 1 }, async (request) => request.db.raw('select pg_sleep(60)'))
    app.get('/pid', async (request) => (await request.db.raw('select pg_backend_pid() as pid')).rows[0].pid)
  })
  const byHand = new pg.Client({ connectionString: database.url }) as PgConnection
  await byHand.connect()
  t.teardown(() => byHand.end())
  const pid = (await app.inject('/pid')).body

  /** The least it can take: a cancel request, the end of the statement, a ROLLBACK. */
  const cancelled = async (): Promise<number> => {
    await byHand.query('begin')
    const ended = rejection(byHand.query('select pg_sleep(60)'))
    await until(async () => (await asleep()) === 1)
    const from = performance.now()
    await cancel(byHand)
    await ended
    await byHand.query('rollback')
    return performance.now() - from
  }
  const aborted = async (): Promise<number> => {
    const controller = new AbortController()
    const answer = rejection(fetch(base, { signal: controller.signal }))
    await until(async () => (await asleep()) === 1)
    const from = performance.now()
    controller.abort()
    await until(() => used(knex) === 0)
    await answer
    return performance.now() - from
  }
  const least: number[] = []
  const took: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    least.push(await cancelled())
    took.push(await aborted())
  }
  t.comment(`median ${median(took).toFixed(1)} ms, by hand ${median(least).toFixed(1)} ms`)
  t.ok(median(took) < median(least) + 100, `${median(took)} ms, by hand ${median(least)} ms`)
  for (let round = 0; round < ROUNDS; round++) {
    t.equal((await app.inject('/times-out')).statusCode, 503)
    t.equal(used(knex), 0, 'a time-out answers once its slot is free')
  }
  t.equal((await app.inject('/pid')).body, pid, 'no connection was thrown away for it')
  t.equal(await asleep(), 0)
})
