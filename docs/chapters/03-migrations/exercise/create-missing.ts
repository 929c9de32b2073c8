import type { Knex } from 'knex'

/** Creates the table `users` (id, email, phone_number) if it is missing, as `create_all` does. */
export async function createMissing(knex: Knex): Promise<void> {
  // Your turn: replace this statement.
  await knex.raw('SELECT 1')
}
