import { makePosts, open } from '../../12-votes/steps/open.ts'

const knex = await open()
await knex('posts').insert(makePosts('one', 'two', 'three', 'four'))

// #region order
console.log('page 1:', await knex('posts').limit(2).pluck('title'))
await knex('posts').where({ title: 'one' }).update({ title: 'one, edited' })
console.log('page 2:', await knex('posts').limit(2).offset(2).pluck('title'))

console.log('page 1, ordered:', await knex('posts').orderBy('id').limit(2).pluck('title'))
// #endregion
await knex.destroy()
