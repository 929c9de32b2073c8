import type { Knex } from 'knex'

/** Without `await`: the caller awaits the returned promise. */
export function createMissing(knex: Knex): Promise<void> {
  return knex.schema.hasTable('users').then((exists) => {
    if (exists) return
    return knex.schema.createTable('users', (table) => {
      table.increments('id')
      table.text('email').notNullable().unique()
      table.text('password').notNullable()
      table.text('role').notNullable().defaultTo('user')
      table.timestamp('created_at').notNullable().defaultTo(knex.fn.now())
      table.text('phone_number')
    })
  })
}
