import type { Knex } from 'knex'

/** Creates the table `users` if it is missing, as `create_all` does. */
export async function createMissing(knex: Knex): Promise<void> {
  if (await knex.schema.hasTable('users')) return
  await knex.schema.createTable('users', (table) => {
    table.increments('id')
    table.text('email').notNullable().unique()
    table.text('password').notNullable()
    table.text('role').notNullable().defaultTo('user')
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now())
    table.text('phone_number')
  })
}
