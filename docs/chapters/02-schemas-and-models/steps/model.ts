import knexModule from 'knex'
import { User } from '../solution/app.ts'

const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })

// #region model
await User.query(knex).insert({ email: 'ada@example.com', password: '$2b$12$…' })
const ada = await User.query(knex).findOne({ email: 'ada@example.com' })
console.log(ada)
// #endregion

await knex.destroy()
