import type { Knex } from 'knex'

/** Makes the table `users` (id, email, phone_number) where there is none, as `create_all` does. */
export async function createMissing(knex: Knex): Promise<void> {
  // Yours to write.
  await knex.raw('SELECT 1')
}
