import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  // When the log-in was: its refreshing ends some day, however much it is used.
  await knex.schema.alterTable('refresh_families', (table) => {
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now())
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('refresh_families', (table) => {
    table.dropColumn('created_at')
  })
}
