import { readFile } from 'node:fs/promises'
import knexModule, { type Knex } from 'knex'

/** Opens the database of a step: three users, who do not log in here, and the table of an SQL file. */
export async function open(
  votes: string | URL = new URL('../solution/votes.sql', import.meta.url),
): Promise<Knex> {
  const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })
  const emails = ['ada@example.com', 'bob@example.com', 'eve@example.com']
  await knex('users').insert(emails.map((email) => ({ email, password: 'no hash' })))
  await knex.raw(votes instanceof URL ? await readFile(votes, 'utf8') : votes)
  return knex
}

/** Returns posts of the first user with these titles. */
export const makePosts = (...titles: readonly string[]) =>
  titles.map((title) => ({ title, content: 'They grow.', owner_id: 1 }))
