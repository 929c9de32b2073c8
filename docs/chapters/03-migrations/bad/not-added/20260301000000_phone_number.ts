import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  // The mistake: nobody awaits this. knex records the migration as done, and the column is missing.
  knex.schema.alterTable('users', (table) => {
    table.text('phone_number')
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    table.dropColumn('phone_number')
  })
}
