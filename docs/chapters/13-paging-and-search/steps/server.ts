import knexModule from 'knex'
import { buildApp } from '../app.ts'
import { posts } from '../solution/posts.ts'

// #region server
const databaseUrl = process.env.DATABASE_URL as string
const knex = knexModule({ client: 'pg', connection: databaseUrl })
await knex('posts').insert(Array.from({ length: 25 }, (_, index) => ({ title: `${4 * (index + 1)}% wool` })))
await knex.destroy()

const app = await buildApp(databaseUrl, posts)
console.log(await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' }))
// #endregion
