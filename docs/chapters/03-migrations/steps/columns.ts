import type { Knex } from 'knex'

/** Returns the names of a table's columns, in the order of the table. */
export function columnsOf(knex: Knex, table: string): Promise<string[]> {
  return knex('information_schema.columns')
    .where({ table_schema: 'public', table_name: table })
    .orderBy('ordinal_position')
    .pluck('column_name')
}
