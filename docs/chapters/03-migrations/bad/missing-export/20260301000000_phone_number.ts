import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    table.text('phone_number')
  })
}

// The mistake: knex calls `down`, and this is not exported.
async function remove(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    table.dropColumn('phone_number')
  })
}

export const downgrade = remove
