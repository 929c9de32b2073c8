import { makePosts, open, VOTES } from './open.ts'

const knex = await open(VOTES)

// #region count
await knex('posts').insert(makePosts('Tomatoes', 'Radishes'))
await knex('votes').insert([1, 2, 3].map((user_id) => ({ user_id, post_id: 1 })))

const counts = {
  'INNER JOIN, count(*)': knex('posts').join('votes', 'post_id', 'id').select(knex.raw('count(*)')),
  'LEFT JOIN, count(*)': knex('posts').leftJoin('votes', 'post_id', 'id').select(knex.raw('count(*)')),
  'LEFT JOIN, count(post_id)': knex('posts')
    .leftJoin('votes', 'post_id', 'id')
    .select(knex.raw('count(post_id)')),
}
for (const [how, query] of Object.entries(counts)) {
  const rows = await query.select('title').groupBy('id').orderBy('id')
  console.log(
    how,
    rows.map(({ title, count }) => `${title} ${count}`),
  )
}
// #endregion
await knex.destroy()
