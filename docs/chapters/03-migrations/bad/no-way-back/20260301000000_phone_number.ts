import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    table.text('phone_number')
  })
}

// The mistake: nothing is undone, but knex records that it was.
export async function down(): Promise<void> {}
