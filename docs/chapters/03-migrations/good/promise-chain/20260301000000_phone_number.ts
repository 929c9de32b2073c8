import type { Knex } from 'knex'

export function up(knex: Knex) {
  return knex.schema.alterTable('users', (table) => {
    table.text('phone_number')
    table.index('phone_number', 'users_phone_number_index')
  })
}

export function down(knex: Knex) {
  return knex.schema.alterTable('users', (table) => {
    table.dropIndex('phone_number', 'users_phone_number_index')
    table.dropColumn('phone_number')
  })
}
