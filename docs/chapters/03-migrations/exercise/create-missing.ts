import type { Knex } from 'knex'

/**
 * Creates the table `users` if it is missing, as `create_all` does. It has the columns id, email, password, role, created_at
 * and phone_number.
 */
export async function createMissing(knex: Knex): Promise<void> {
  // Your turn: replace this statement.
  await knex.raw('SELECT 1')
}
