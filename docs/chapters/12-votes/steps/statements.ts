import { makePosts, open, VOTES } from './open.ts'

const knex = await open(VOTES)
await knex('posts').insert(makePosts(...Array.from({ length: 20 }, (_, index) => `Post ${index + 1}`)))

// #region statements
let statements = 0
knex.on('query', () => {
  statements += 1
})

for (const { id } of await knex('posts')) await knex('votes').where({ post_id: id }).count()
console.log('in a loop', statements)

statements = 0
await knex('posts').leftJoin('votes', 'post_id', 'id').groupBy('id').select('id').count('post_id')
console.log('in one statement', statements)
// #endregion
await knex.destroy()
