import knexModule from 'knex'
import { buildApp } from '../app.ts'
import { posts } from '../solution/posts.ts'

const databaseUrl = process.env.DATABASE_URL as string
export const app = await buildApp(databaseUrl, posts)

// Posts need an owner: user 1, without a login yet.
const knex = knexModule({ client: 'pg', connection: databaseUrl })
await knex('users').insert({ email: 'ada@example.com', password: 'a hash, from chapter 05 on' })
await knex.destroy()

/** Sends a request and prints the response, without `created_at`. */
export async function ask(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  body?: object,
): Promise<void> {
  const response = await app.inject({ method, url, ...(body && { body }) })
  console.log(method, url, response.statusCode, response.body.replaceAll(/,"created_at":"[^"]*"/g, ''))
}
