import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('votes', (table) => {
    table.integer('user_id').notNullable().references('users.id').onDelete('CASCADE')
    table.integer('post_id').notNullable().references('posts.id').onDelete('CASCADE').index()
    // One vote per user and post, even if several requests are simultaneous.
    table.primary(['user_id', 'post_id'])
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('votes')
}
