/** Closing an app: requests and units of work under way complete, later ones are rejected. */
import t from 'tap'
import { openDatabase, openKnex, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))
const committed = () => database.see('select email from users order by id')

t.test('close() waits for requests under way and for their afterCommit functions', async (t) => {
  let finish: (() => void) | undefined
  let sendMail: (() => void) | undefined
  let isMailed = false
  const { app, knex } = await start(t, database, (app) => {
    app.post('/', async (request) => {
      await request.db('users').insert({ email: 'under way' })
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      request.db.afterCommit(async () => {
        await new Promise<void>((resolve) => {
          sendMail = resolve
        })
        isMailed = true
      })
      return {}
    })
  })
  const response = app.inject({ method: 'POST', url: '/' })
  await until(() => finish)
  let isClosed = false
  const closed = app.close().then(() => {
    isClosed = true
  })
  await until(() => !app.server.listening)
  finish?.()
  t.equal((await response).statusCode, 200)
  t.same(await committed(), ['under way'])
  await until(() => sendMail)
  t.notOk(isClosed)
  sendMail?.()
  await closed
  t.ok(isMailed)
  t.equal((await rejection(app.unitOfWork(async () => {}))).code, 'DB_SESSION_CLOSING')
  t.equal(knex.client.pool, undefined, 'closePools destroys the pool')
})

t.test('close() aborts a unit of work that exceeds closeTimeoutMs', async (t) => {
  const { app, knex } = await start(t, database, () => {}, {
    replica: openKnex(database.url, 1),
    closeTimeoutMs: 50,
  })
  const endless = app.unitOfWork(async (db) => {
    await db('users').insert({ email: 'x' })
    await db.raw('select pg_sleep(600)')
  })
  await until(() => used(knex) === 1)
  const [error] = await Promise.all([rejection(endless), app.close()])
  t.equal(error.code, 'DB_SESSION_CLOSING')
  t.same(await committed(), [])
})

t.test('close() leaves the pools open without closePools', async (t) => {
  const knex = openKnex(database.url)
  const { app } = await start(t, database, () => {}, { knex, closePools: false })
  await app.close()
  t.equal((await knex.raw('select 1 as one')).rows[0].one, 1)
  await knex.destroy()
})
