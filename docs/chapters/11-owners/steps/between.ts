import knexModule from 'knex'
import { signUp } from '../../05-creating-users/solution/sign-up.ts'

const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })
const { id: ada } = await signUp(knex, 'ada@example.com', 'tomatoes in june')
const { id: bob } = await signUp(knex, 'bob@example.com', 'radishes in may')

// #region look
await knex('posts').insert({ title: 'Tomatoes', content: 'They grow.', owner_id: ada })
const post = await knex('posts').where({ id: 1 }).first()
console.log('Is it Ada’s?', post.owner_id === ada)

// Now another request transfers the post:
await knex('posts').where({ id: 1 }).update({ owner_id: bob })

const written = await knex('posts').where({ id: 1 }).update({ title: 'Ada was here' })
console.log('UPDATE … WHERE id', written)
// #endregion

// #region ask
const refused = await knex('posts').where({ id: 1, owner_id: ada }).update({ title: 'And here' })
console.log('UPDATE … WHERE id AND owner_id', refused)
// #endregion

console.log(await knex('posts').where({ id: 1 }).first('title', 'owner_id'))
await knex.destroy()
