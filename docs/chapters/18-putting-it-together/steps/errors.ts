import knexModule from 'knex'
import { app, ask } from './ask.ts'

const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })

// #region errors
await ask('GET', '/posts')
await ask('GET', '/nothing')
await ask('POST', '/users', { body: { email: 'ada' } })

await knex.schema.renameTable('users', 'people')
await ask('POST', '/users', { body: { email: 'ada@example.com', password: 'tomatoes in june' } })
// #endregion
await knex.destroy()
await app.close()
