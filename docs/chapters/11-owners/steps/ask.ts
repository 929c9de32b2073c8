import { buildApp, tokenOf } from '../app.ts'
import { posts } from '../solution/posts.ts'

export const app = await buildApp(process.env.DATABASE_URL as string, posts)

const USERS = { Ada: 1, Bob: 2 }

/** Sends a request with the token of this user, and prints the response. */
export async function ask(
  user: keyof typeof USERS,
  method: 'GET' | 'POST' | 'PUT',
  url: string,
  body?: object,
): Promise<void> {
  const headers = { authorization: `Bearer ${tokenOf(USERS[user])}` }
  const response = await app.inject({ method, url, headers, ...(body && { body }) })
  console.log(user, method, url, response.statusCode, response.body)
}
