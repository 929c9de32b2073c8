import knexModule from 'knex'
import { User } from '../solution/app.ts'

const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })

// #region model
await User.query(knex).insert({ email: 'ada@example.com', password: '$2b$12$…' })
const ada = await User.query(knex).findOne({ email: 'ada@example.com' })
console.log(ada)
// #endregion

// #region operations
await User.query(knex).insert({ email: 'bob@example.com', password: '$2b$12$…' })
await User.query(knex).where({ email: 'ada@example.com' }).patch({ role: 'admin' })
console.log(await User.query(knex).select('email').where({ role: 'admin' }))

console.log('deleted:', await User.query(knex).where('email', 'like', 'bob@%').delete())
console.log('left:   ', await User.query(knex).resultSize())
// #endregion

await knex.destroy()
