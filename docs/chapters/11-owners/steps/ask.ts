import { randomBytes } from 'node:crypto'
import knexModule from 'knex'
import { signUp } from '../../05-creating-users/solution/sign-up.ts'
import { buildApp } from '../../app/app.ts'
import { posts } from '../solution/posts.ts'

const databaseUrl = process.env.DATABASE_URL as string
const knex = knexModule({ client: 'pg', connection: databaseUrl })
const USERS = {
  Ada: await signUp(knex, 'ada@example.com', 'tomatoes in june'),
  Bob: await signUp(knex, 'bob@example.com', 'radishes in may'),
}
await knex.destroy()

// A secret for this step. A service reads it from its settings.
export const app = await buildApp({ databaseUrl, secret: randomBytes(32).toString('base64url') }, posts)

/** Sends a request with the token of this user, and prints the response. */
export async function ask(
  user: keyof typeof USERS,
  method: 'GET' | 'POST' | 'PUT',
  url: string,
  body?: object,
): Promise<void> {
  const headers = { authorization: `Bearer ${app.issueToken(USERS[user])}` }
  const response = await app.inject({ method, url, headers, ...(body && { body }) })
  console.log(user, method, url, response.statusCode, response.body)
}
