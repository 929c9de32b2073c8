import { withRollback } from '@auth-primer/db-session'
import t from 'tap'
import { openDatabase } from '../../check/database.ts'
import { buildApp } from './app.ts'

const { knex } = await openDatabase(t, new URL('posts.sql', import.meta.url))

// #region tests
const app = await buildApp(knex)
t.teardown(() => app.close())

const post = (title: string) => app.inject({ method: 'POST', url: '/posts', body: { title } })
const titles = async () => (await app.inject('/posts')).json().map(({ title }: { title: string }) => title)

t.test('a post is stored', () =>
  withRollback(app, async () => {
    t.equal((await post('Hello')).statusCode, 201)
    t.same(await titles(), ['Hello'])
  }),
)

t.test('a title is taken once', () =>
  withRollback(app, async () => {
    await knex('posts').insert({ title: 'Hello' })
    t.equal((await post('Hello')).statusCode, 409)
    t.same(await titles(), ['Hello'])
  }),
)
// #endregion

t.test('nothing is left of either', async (t) => {
  t.same(await knex('posts'), [])
})
