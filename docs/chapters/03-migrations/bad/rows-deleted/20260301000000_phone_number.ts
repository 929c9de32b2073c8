import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  // The mistake: creating the table again deletes all users.
  await knex.schema.dropTable('users')
  await knex.schema.createTable('users', (table) => {
    table.increments('id')
    table.text('email').notNullable().unique()
    table.text('password').notNullable()
    table.text('role').notNullable().defaultTo('user')
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now())
    table.text('phone_number')
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    table.dropColumn('phone_number')
  })
}
