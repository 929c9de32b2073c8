import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  // A row a log-in: of its refresh tokens the newest alone is good, and only its digest is stored.
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
