import type { Knex } from 'knex'

/** In three steps: a column that may be empty, a value for each row that exists, and then the rule. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    table.text('phone_number')
  })
  await knex('users').update({ phone_number: 'unknown' })
  await knex.schema.alterTable('users', (table) => {
    table.dropNullable('phone_number')
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    table.dropColumn('phone_number')
  })
}
