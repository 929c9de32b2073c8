import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  // The first three columns, in this order, are those of rate-limiter-flexible's RateLimiterPostgres.
  await knex.schema.createTable('rate_limits', (table) => {
    table.text('key').primary()
    table.integer('points').notNullable().defaultTo(0)
    // Milliseconds since 1970, as that library writes them.
    table.bigInteger('expire').index()
    // The number of points for wrong passwords. The other points are for attempts that are still being checked.
    table.integer('failures').notNullable().defaultTo(0)
  })
  await knex.schema.createTable('login_networks', (table) => {
    table.integer('user_id').notNullable().references('users.id').onDelete('CASCADE')
    table.text('network').notNullable()
    table.timestamp('logged_in_at').notNullable().defaultTo(knex.fn.now()).index()
    table.primary(['user_id', 'network'])
  })
  // A test suite that empties `users` starts over, so the failed logins of earlier users must not count.
  await knex.schema.raw(`
    CREATE FUNCTION delete_rate_limits() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN DELETE FROM rate_limits; RETURN NULL; END $$;
    CREATE TRIGGER users_truncated AFTER TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION delete_rate_limits();
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.raw('DROP TRIGGER users_truncated ON users; DROP FUNCTION delete_rate_limits()')
  await knex.schema.dropTable('login_networks')
  await knex.schema.dropTable('rate_limits')
}
