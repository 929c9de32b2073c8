import { withRollback } from '@auth-primer/db-session'
import t from 'tap'
import { openDatabase } from '../../check/database.ts'
import { buildApp } from './app.ts'

const { knex } = await openDatabase(t, new URL('posts.sql', import.meta.url))

// #region app
const app = await buildApp(knex)
t.teardown(() => app.close())

const post = (title: string) => app.inject({ method: 'POST', url: '/posts', body: { title } })
const titles = async () => (await app.inject('/posts')).json().map(({ title }: { title: string }) => title)
// #endregion

t.test('hooks roll back each test', async (t) => {
  // #region hooks
  let rollBack = async () => {}
  t.beforeEach(async () => {
    rollBack = await withRollback(app)
  })
  t.afterEach(() => rollBack())

  t.test('a post that was created is listed', async (t) => {
    t.equal((await post('Hello')).statusCode, 201)
    t.same(await titles(), ['Hello'])
  })

  t.test('a title can be used only once', async (t) => {
    await knex('posts').insert({ title: 'Hello' })
    t.equal((await post('Hello')).statusCode, 409)
    t.same(await titles(), ['Hello'])
  })
  // #endregion
})

// #region one
t.test('a list without posts is empty', () =>
  withRollback(app, async () => {
    t.same(await titles(), [])
  }),
)
// #endregion

t.test('no test leaves a row', async (t) => {
  t.same(await knex('posts'), [])
})

t.test('a second withRollback is rejected while one is active', async (t) => {
  await withRollback(app, async () => {
    await t.rejects(withRollback(app), { code: 'DB_SESSION_ROLLBACK_OPEN' })
  })
})
