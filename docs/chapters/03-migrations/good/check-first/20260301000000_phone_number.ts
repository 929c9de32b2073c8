import type { Knex } from 'knex'

/** Looks first, so it can run in a database that somebody has changed by hand. */
export async function up(knex: Knex): Promise<void> {
  if (await knex.schema.hasColumn('users', 'phone_number')) return
  await knex.schema.alterTable('users', (table) => {
    table.string('phone_number').nullable().unique()
  })
}

export async function down(knex: Knex): Promise<void> {
  if (!(await knex.schema.hasColumn('users', 'phone_number'))) return
  await knex.schema.alterTable('users', (table) => {
    table.dropUnique(['phone_number'])
    table.dropColumn('phone_number')
  })
}
