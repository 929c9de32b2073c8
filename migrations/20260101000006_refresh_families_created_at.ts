import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  // The time of the login, which limits how long its tokens can be refreshed.
  await knex.schema.alterTable('refresh_families', (table) => {
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now())
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('refresh_families', (table) => {
    table.dropColumn('created_at')
  })
}
