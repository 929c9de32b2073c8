import * as built from '@auth-primer/migrations'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import knexFactory, { type Knex } from 'knex'
import t, { type Test } from 'tap'
import * as source from '../index.ts'

const NAMES = [
  '20260101000001_users',
  '20260101000002_posts',
  '20260101000003_votes',
  '20260101000004_password_changed_at',
  '20260101000005_refresh_families',
  '20260101000006_refresh_families_created_at',
  '20260101000007_rate_limits',
]
const { MIGRATION_SESSION, migrateToLatest, migrationSource, findPendingMigrations } = source

t.test('migrations are recorded by their names without an extension, in order', async (t) => {
  for (const { migrationSource } of [source, built]) {
    const migrations = await migrationSource.getMigrations([])
    t.same(
      migrations.map((migration) => migrationSource.getMigrationName(migration)),
      NAMES,
    )
  }
  const { knex } = await database(t)
  t.same(await migrateToLatest(knex), NAMES)
  t.same(await knex('knex_migrations').orderBy('id').pluck('name'), NAMES)
})

t.test('each migration can be rolled back, and then run again', async (t) => {
  const { knex } = await database(t)
  // Creates knex's own tables, which do not belong to a migration.
  await knex.migrate.list({ migrationSource })
  for (const name of NAMES) {
    const before = await readSchema(knex)
    await knex.migrate.up({ migrationSource })
    const after = await readSchema(knex)
    t.notSame(after, before, `${name} changes the schema`)
    await knex.migrate.down({ migrationSource })
    t.same(await readSchema(knex), before, `${name} restores the schema`)
    t.match(await findPendingMigrations(knex), [name])
    await knex.migrate.up({ migrationSource })
    t.same(await readSchema(knex), after, `${name} makes the same change again`)
  }
  t.same(await findPendingMigrations(knex), [])
})

t.test(
  'in a new database all migrations are pending, and findPendingMigrations() does not change it',
  async (t) => {
    const { knex } = await database(t)
    t.same(await findPendingMigrations(knex), NAMES)
    t.equal(await knex.schema.hasTable('knex_migrations'), false)
    await migrateToLatest(knex)
    t.same(await findPendingMigrations(knex), [])
  },
)

t.test('a second migrateToLatest() changes nothing', async (t) => {
  const { knex } = await database(t)
  await migrateToLatest(knex)
  const before = await readSchema(knex)
  t.same(await migrateToLatest(knex), [])
  t.same(await readSchema(knex), before)
})

for (const [first, second, title] of [
  [built, source, 'the TypeScript source recognizes the migrations that the build has run'],
  [source, built, 'the build recognizes the migrations that the TypeScript source has run'],
] as const) {
  t.test(title, async (t) => {
    const { knex } = await database(t)
    t.same(await second.findPendingMigrations(knex), NAMES)
    t.same(await first.migrateToLatest(knex), NAMES)
    t.same(await second.findPendingMigrations(knex), [])
    t.same(await second.migrateToLatest(knex), [])
    await knex.migrate.down({ migrationSource: second.migrationSource })
    t.same(await first.findPendingMigrations(knex), NAMES.slice(-1))
    t.same(await first.migrateToLatest(knex), NAMES.slice(-1))
  })
}

t.test(
  'of several pools that migrate at the same time, one runs the migrations, and none fails',
  async (t) => {
    const { knex, connect } = await database(t)
    const pools = Array.from({ length: 5 }, () => connect())
    const ran = await Promise.all(pools.map((pool) => migrateToLatest(pool)))
    t.same(ran.flat(), NAMES)
    t.equal(ran.filter(({ length }) => length > 0).length, 1)
    t.same(await knex('knex_migrations').orderBy('id').pluck('name'), NAMES)
    t.same(await knex('knex_migrations_lock').pluck('is_locked'), [0])
  },
)

t.test('migrateToLatest() waits for migrations that knex’s own command is running', async (t) => {
  const { knex, connect } = await database(t)
  await knex.migrate.list({ migrationSource })
  const command = connect(MIGRATION_SESSION)
  const [ran, [, ranByCommand]] = await Promise.all([
    migrateToLatest(knex),
    command.migrate.latest({ migrationSource }),
  ])
  t.same([...ran, ...ranByCommand].sort(), NAMES)
  t.same(await knex('knex_migrations').orderBy('id').pluck('name'), NAMES)
})

t.test('a lock row that a killed process left behind is freed', async (t) => {
  const { knex } = await database(t)
  await knex.migrate.up({ migrationSource })
  await knex('knex_migrations_lock').update({ is_locked: 1 })
  t.same(await migrateToLatest(knex), NAMES.slice(1))
  t.same(await knex('knex_migrations_lock').pluck('is_locked'), [0])
})

t.test(
  'a lock row that a migrating session still holds is not freed, and migrateToLatest() rejects',
  async (t) => {
    const { knex, connect } = await database(t)
    await knex.migrate.up({ migrationSource })
    await knex('knex_migrations_lock').update({ is_locked: 1 })
    const holder = connect(MIGRATION_SESSION)
    await holder.raw('SELECT 1')

    await t.rejects(migrateToLatest(knex), /already locked/)
    t.same(await findPendingMigrations(knex), NAMES.slice(1), 'no migration has run')
    t.same(await knex('knex_migrations_lock').pluck('is_locked'), [1])

    await holder.destroy()
    await waitForEnd(knex, MIGRATION_SESSION)
    t.same(await migrateToLatest(knex), NAMES.slice(1), 'after the end of that session')
  },
)

t.test('a session that migrates another database does not hold the lock here', async (t) => {
  const [{ knex }, other] = [await database(t), await database(t)]
  await knex.migrate.up({ migrationSource })
  await knex('knex_migrations_lock').update({ is_locked: 1 })
  await other.connect(MIGRATION_SESSION).raw('SELECT 1')
  t.same(await migrateToLatest(knex), NAMES.slice(1))
})

t.test('a migration that fails is rolled back, and the next attempt can run', async (t) => {
  const { knex } = await database(t)
  await knex.schema.createTable('votes', (table) => table.text('in_the_way'))
  await t.rejects(migrateToLatest(knex), { code: '42P07' })
  t.same(await findPendingMigrations(knex), NAMES)
  t.equal(await knex.schema.hasTable('users'), false)
  await knex.schema.dropTable('votes')
  t.same(await migrateToLatest(knex), NAMES)
})

t.test('the tables have the constraints of the contract', async (t) => {
  const { knex } = await database(t)
  await migrateToLatest(knex)
  t.beforeEach(() => knex.raw('TRUNCATE users, posts, votes RESTART IDENTITY CASCADE'))

  t.test('an INSERT with only the course’s columns succeeds', async (t) => {
    await fill(knex)
    t.match(await knex('users').first(), { id: 1, role: 'user', created_at: Date })
    t.match(await knex('posts').first(), { id: 1, published: true, created_at: Date })
    await t.rejects(knex.raw("INSERT INTO users (email) VALUES ('ann@example.com')"), { code: '23502' })
    await t.rejects(knex.raw("INSERT INTO posts (title, content) VALUES ('a', 'b')"), { code: '23502' })
  })

  t.test('TRUNCATE with RESTART IDENTITY empties the tables and restarts their ids', async (t) => {
    await fill(knex)
    await knex.raw('TRUNCATE users, posts, votes RESTART IDENTITY CASCADE')
    for (const table of ['users', 'posts', 'votes']) t.same(await knex(table), [], table)
    await fill(knex)
    t.equal((await knex('users').first()).id, 1)
    t.equal((await knex('posts').first()).id, 1)
  })

  t.test('an email is stored as typed, and is unique regardless of case', async (t) => {
    await knex('users').insert({ email: 'Ann@Example.com', password: 'x' })
    await t.rejects(knex('users').insert({ email: 'aNN@eXAMPLE.COM', password: 'x' }), {
      code: '23505',
      constraint: 'users_email_key',
    })
    await knex('users').insert({ email: 'anne@example.com', password: 'x' })
    t.same(await knex('users').orderBy('id').pluck('email'), ['Ann@Example.com', 'anne@example.com'])
  })

  t.test('a role is user or admin', async (t) => {
    for (const role of ['user', 'admin']) await knex('users').insert({ email: role, password: 'x', role })
    await t.rejects(knex('users').insert({ email: 'root', password: 'x', role: 'root' }), { code: '23514' })
  })

  t.test('a user has one vote per post, and only for a post that exists', async (t) => {
    await fill(knex)
    await t.rejects(knex('votes').insert({ user_id: 1, post_id: 1 }), { code: '23505' })
    await t.rejects(knex('votes').insert({ user_id: 1, post_id: 99 }), { code: '23503' })
    await t.rejects(knex('votes').insert({ user_id: 99, post_id: 1 }), { code: '23503' })
  })

  t.test('deleting a user deletes only their posts and votes', async (t) => {
    await fill(knex)
    await knex('users').insert({ email: 'bob@example.com', password: 'x' })
    await knex('posts').insert({ title: 'of bob', content: 'b', owner_id: 2 })
    await knex('votes').insert([
      { user_id: 1, post_id: 2 },
      { user_id: 2, post_id: 1 },
      { user_id: 2, post_id: 2 },
    ])
    await knex('users').where({ id: 1 }).delete()
    t.same(await knex('posts').pluck('title'), ['of bob'])
    t.same(await knex('votes'), [{ user_id: 2, post_id: 2 }])
  })

  t.test('deleting a post deletes its votes', async (t) => {
    await fill(knex)
    await knex('posts').where({ id: 1 }).delete()
    t.same(await knex('votes'), [])
    t.equal((await knex('users')).length, 1)
  })
})

async function fill(knex: Knex): Promise<void> {
  await knex.raw("INSERT INTO users (email, password) VALUES ('ann@example.com', 'x')")
  await knex.raw("INSERT INTO posts (title, content, owner_id) VALUES ('of ann', 'b', 1)")
  await knex.raw('INSERT INTO votes (user_id, post_id) VALUES (1, 1)')
}

async function database(t: Test) {
  const { url, drop } = await createTestDatabase()
  const pools: Knex[] = []
  const connect = (application_name = 'test'): Knex => {
    const pool = knexFactory({
      client: 'pg',
      connection: { connectionString: url, application_name },
      pool: { min: 0, max: 4 },
      // A migration that fails rejects with its error.
      log: { warn() {} },
    })
    pools.push(pool)
    return pool
  }
  t.teardown(async () => {
    for (const pool of pools) await pool.destroy()
    await drop()
  })
  return { knex: connect(), connect }
}

/** Returns the columns, indexes, constraints and sequences of the database. */
async function readSchema(knex: Knex) {
  const rows = async (sql: string) => (await knex.raw(sql)).rows
  return {
    columns: await rows(
      // In order, but without their numbers, because the number of a dropped column is not used again.
      `SELECT table_name, column_name, data_type, is_nullable, column_default
       FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`,
    ),
    indexes: await rows(`SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`),
    constraints: await rows(
      `SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2`,
    ),
    sequences: await rows(
      `SELECT sequence_name FROM information_schema.sequences WHERE sequence_schema = 'public' ORDER BY 1`,
    ),
  }
}

/** Waits until Postgres has ended the sessions of an application, which takes a moment after the disconnect. */
async function waitForEnd(knex: Knex, application_name: string): Promise<void> {
  const sessions = () =>
    knex('pg_stat_activity')
      .where({ application_name, datname: knex.raw('current_database()') })
      .first()
  while (await sessions()) await new Promise(setImmediate)
}
