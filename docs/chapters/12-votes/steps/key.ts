import { makePosts, open, VOTES } from './open.ts'

const knex = await open(VOTES)
await knex('posts').insert(makePosts('Tomatoes'))

// #region key
const vote = { user_id: 1, post_id: 1 }
await knex('votes').insert(vote)

await knex('votes')
  .insert(vote)
  .catch((error) => console.log(error.code, error.constraint))

const added = await knex('votes')
  .insert(vote)
  .onConflict(['user_id', 'post_id'])
  .ignore()
  .returning('post_id')
console.log('added', added)
// #endregion
await knex.destroy()
