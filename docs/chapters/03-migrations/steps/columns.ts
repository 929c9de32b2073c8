import knexModule, { type Knex } from 'knex'
import { migrationSource } from './source.ts'

/** Opens the database with the users Ada and Bob. Nothing is logged, because the steps print the errors themselves. */
export async function openUsers(): Promise<Knex> {
  const knex = knexModule({
    client: 'pg',
    connection: process.env.DATABASE_URL as string,
    migrations: { migrationSource },
    log: { error: () => {}, warn: () => {} },
  })
  await knex('users').insert([
    { email: 'ada@example.com', password: '$2b$12$…' },
    { email: 'bob@example.com', password: '$2b$12$…' },
  ])
  return knex
}

/** Returns the names of a table's columns, in the order of the table. */
export function columnsOf(knex: Knex, table: string): Promise<string[]> {
  return knex('information_schema.columns')
    .where({ table_schema: 'public', table_name: table })
    .orderBy('ordinal_position')
    .pluck('column_name')
}
