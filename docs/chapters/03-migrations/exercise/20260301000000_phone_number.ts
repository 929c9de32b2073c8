import type { Knex } from 'knex'

/** Adds the column `phone_number` to the table `users`, which has rows. */
export async function up(knex: Knex): Promise<void> {
  // Your turn: replace this statement.
  await knex.raw('SELECT 1')
}

/** Removes the column. */
export async function down(knex: Knex): Promise<void> {
  // Your turn: replace this statement.
  await knex.raw('SELECT 1')
}
