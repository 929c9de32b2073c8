import type { Knex } from 'knex'

/** Makes the table `users` where there is none, as `create_all` does. */
export async function createMissing(knex: Knex): Promise<void> {
  // The mistake: it works once. At the second start the table is there.
  await knex.schema.createTable('users', (table) => {
    table.increments('id')
    table.text('email').notNullable().unique()
    table.text('phone_number')
  })
}
