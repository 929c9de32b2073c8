import { readFile } from 'node:fs/promises'
import knexModule from 'knex'

const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })
await knex.raw(await readFile(new URL('../solution/votes.sql', import.meta.url), 'utf8'))
await knex('posts').insert({ title: 'Tomatoes' })

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
