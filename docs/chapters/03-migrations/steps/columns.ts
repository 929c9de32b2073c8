import type { Knex } from 'knex'

/** The names of a table's columns, as Postgres has them. */
export function columnsOf(knex: Knex, table: string): Promise<string[]> {
  return knex('information_schema.columns')
    .where({ table_schema: 'public', table_name: table })
    .orderBy('ordinal_position')
    .pluck('column_name')
}
