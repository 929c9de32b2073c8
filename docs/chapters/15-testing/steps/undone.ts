import { withRollback } from '@auth-primer/db-session'
import pg from 'pg'
import { openApp } from '../open-app.ts'

const { app, ada: headers } = await openApp()
const elsewhere = new pg.Client({ connectionString: process.env.DATABASE_URL })
await elsewhere.connect()

// #region undone
const payload = { title: 'Tomatoes in June', content: 'They grow.' }
const listed = async () => (await app.inject({ url: '/posts', headers })).json().length
const stored = async () => (await elsewhere.query('SELECT FROM posts')).rowCount

await withRollback(app, async () => {
  await app.inject({ method: 'POST', url: '/posts', headers, payload })
  console.log('within:', await listed(), 'for the app,', await stored(), 'for another connection')
})
console.log('afterwards:', await listed())
// #endregion

await elsewhere.end()
await app.close()
