import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    // Tokens that were issued earlier are rejected. Null: the password is still that of the sign-up.
    table.timestamp('password_changed_at')
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('users', (table) => {
    table.dropColumn('password_changed_at')
  })
}
