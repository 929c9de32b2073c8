import { withRollback } from '@auth-primer/db-session'
import { createTables } from '@auth-primer/migrations'
import knexModule from 'knex'
import { addUsers, openApp } from '../open-app.ts'

const { app, ada: headers } = await openApp()
const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })

/** Returns the average time of one run in milliseconds, over thirty. */
async function measure(work: () => Promise<unknown>): Promise<string> {
  const start = performance.now()
  for (let i = 0; i < 30; i += 1) await work()
  return ((performance.now() - start) / 30).toFixed(1)
}

// #region cost
const payload = { title: 'Tomatoes in June', content: 'They grow.' }
const test = () => app.inject({ method: 'POST', url: '/posts', headers, payload })

await withRollback(app, test)
console.log('rolled back:', await measure(() => withRollback(app, test)), 'ms per test')

const withNewTables = async () => {
  await knex.raw('DROP TABLE posts, users')
  await createTables(knex, 'posts')
  await addUsers(knex)
  await test()
}
console.log('new tables:', await measure(withNewTables), 'ms per test')
// #endregion

await knex.destroy()
await app.close()
