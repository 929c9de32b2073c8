import type { Knex } from 'knex'

/** Gives the table `users`, which has rows, the column `phone_number`. */
export async function up(knex: Knex): Promise<void> {
  // Yours to write.
  await knex.raw('SELECT 1')
}

/** Takes it back. */
export async function down(knex: Knex): Promise<void> {
  // Yours to write.
  await knex.raw('SELECT 1')
}
