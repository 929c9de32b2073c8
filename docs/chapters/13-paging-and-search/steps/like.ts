import { makePosts, open } from '../../12-votes/steps/open.ts'

const knex = await open()

// #region like
await knex('posts').insert(makePosts('100% wool', '1000 sheep', 'a_b', 'axb'))

for (const search of ['0%', 'a_b']) {
  const like = await knex('posts').whereLike('title', `%${search}%`).orderBy('id').pluck('title')
  const plain = await knex('posts').whereRaw('strpos(title, ?) > 0', [search]).orderBy('id').pluck('title')
  console.log(search, { like, plain })
}
// #endregion
await knex.destroy()
