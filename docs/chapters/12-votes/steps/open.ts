import { readFile } from 'node:fs/promises'
import knexModule, { type Knex } from 'knex'

/** Creates the table of the solution. */
export const VOTES = await readFile(new URL('../solution/votes.sql', import.meta.url), 'utf8')

/** Opens the database of a step, adds three users, who do not log in here, and runs some SQL. */
export async function open(sql?: string): Promise<Knex> {
  const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })
  const emails = ['ada@example.com', 'bob@example.com', 'eve@example.com']
  await knex('users').insert(emails.map((email) => ({ email, password: 'no hash' })))
  if (sql) await knex.raw(sql)
  return knex
}

/** Returns posts of the first user with these titles. */
export const makePosts = (...titles: readonly string[]) =>
  titles.map((title) => ({ title, content: 'They grow.', owner_id: 1 }))
