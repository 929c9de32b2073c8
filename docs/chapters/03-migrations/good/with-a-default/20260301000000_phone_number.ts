import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.schema.table('users', (table) => {
    // The rows that exist get the default.
    table.string('phone_number', 40).notNullable().defaultTo('')
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.table('users', (table) => table.dropColumn('phone_number'))
}
