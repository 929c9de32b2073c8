import { readFile } from 'node:fs/promises'
import { withRollback } from '@auth-primer/db-session'
import pg from 'pg'
import { openApp } from '../open-app.ts'

const app = await openApp()
const client = new pg.Client({ connectionString: process.env.DATABASE_URL })
await client.connect()
const tables = await readFile(new URL('../tables.sql', import.meta.url), 'utf8')

/** Returns the average time of one run in milliseconds, over thirty. */
async function each(work: () => Promise<unknown>): Promise<string> {
  const start = performance.now()
  for (let i = 0; i < 30; i += 1) await work()
  return ((performance.now() - start) / 30).toFixed(1)
}

// #region cost
const payload = { title: 'Tomatoes in June' }
const test = () => app.inject({ method: 'POST', url: '/posts', headers: { user: '1' }, payload })

await withRollback(app, test)
console.log('rolled back:', await each(() => withRollback(app, test)), 'ms per test')

const withNewTables = async () => {
  await client.query(`DROP TABLE posts, users; ${tables}`)
  await test()
}
console.log('new tables:', await each(withNewTables), 'ms per test')
// #endregion

await client.end()
await app.close()
