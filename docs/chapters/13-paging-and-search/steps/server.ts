import { randomBytes } from 'node:crypto'
import knexModule from 'knex'
import { signUp } from '../../05-creating-users/solution/sign-up.ts'
import { buildApp } from '../../09-verifying-credentials/app.ts'
import { login } from '../../09-verifying-credentials/solution/login.ts'
import { posts } from '../solution/posts.ts'

const databaseUrl = process.env.DATABASE_URL as string
const knex = knexModule({ client: 'pg', connection: databaseUrl })
const { id: owner_id } = await signUp(knex, 'ada@example.com', 'tomatoes in june')
const percents = Array.from({ length: 25 }, (_, index) => 4 * (index + 1))
await knex('posts').insert(
  percents.map((percent) => ({ title: `${percent}% wool`, content: 'The rest is cotton.', owner_id })),
)
await knex.destroy()

// A secret for this step. A service reads it from its settings.
const app = await buildApp({ databaseUrl, secret: randomBytes(32).toString('base64url') }, login)
await app.register(posts)
console.log(await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' }))
