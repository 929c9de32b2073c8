import knexModule from 'knex'

const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })
await knex('posts').insert(['one', 'two', 'three', 'four'].map((title) => ({ title })))

// #region order
console.log('page 1:', await knex('posts').limit(2).pluck('title'))
await knex('posts').where({ title: 'one' }).update({ title: 'one, edited' })
console.log('page 2:', await knex('posts').limit(2).offset(2).pluck('title'))

console.log('page 1, ordered:', await knex('posts').orderBy('id').limit(2).pluck('title'))
// #endregion
await knex.destroy()
