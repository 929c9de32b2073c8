import knexModule from 'knex'

const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })

// #region like
await knex('posts').insert([
  { title: '100% wool' },
  { title: '1000 sheep' },
  { title: 'a_b' },
  { title: 'axb' },
])

for (const search of ['0%', 'a_b']) {
  const like = await knex('posts').whereLike('title', `%${search}%`).orderBy('id').pluck('title')
  const plain = await knex('posts').whereRaw('strpos(title, ?) > 0', [search]).orderBy('id').pluck('title')
  console.log(search, { like, plain })
}
// #endregion
await knex.destroy()
