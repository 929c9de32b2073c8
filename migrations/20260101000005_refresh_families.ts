import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  // One row per login. Only its newest refresh token is valid, and only the digest of that is stored.
  await knex.schema.createTable('refresh_families', (table) => {
    table.text('id').primary()
    table.integer('user_id').notNullable().references('users.id').onDelete('CASCADE').index()
    table.binary('digest').notNullable()
    table.timestamp('expires_at').notNullable().index()
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('refresh_families')
}
