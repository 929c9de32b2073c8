import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('users', (table) => {
    table.increments('id')
    table.text('email').notNullable()
    table.text('password').notNullable()
    table.text('role').notNullable().defaultTo('user')
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now())
    table.check('role IN (?, ?)', ['user', 'admin'], 'users_role_check')
  })
  // An email is stored as it was typed, and compared case-insensitively, only in SQL.
  await knex.schema.raw('CREATE UNIQUE INDEX users_email_key ON users (lower(email))')
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('users')
}
