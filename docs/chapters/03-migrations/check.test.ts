import assert from 'node:assert/strict'
import type { Knex } from 'knex'
import { chapter } from '../../check/chapter.ts'

const NAME = '20260301000000_phone_number'
const COLUMNS = ['email', 'id', 'phone_number']

await chapter(import.meta.url, async ({ load, database, check }) => {
  const { createMissing } = await load<typeof import('./solution/create-missing.ts')>('create-missing.ts')
  const migration = await load<Knex.Migration>(`${NAME}.ts`)
  const migrations: Knex.MigratorConfig = {
    migrationSource: {
      getMigrations: async () => [NAME],
      getMigrationName: () => NAME,
      getMigration: async () => migration,
    },
  }

  await check(
    'not-created',
    '`createMissing` creates the table if it is missing',
    [
      'In a new database, it should create the table as the code needs it today, including `phone_number`.',
      'Use `knex.schema.createTable`, with a function that adds the columns.',
      "`await knex.schema.createTable('users', (table) => { table.increments('id'); table.text('email'); … })`. Without `await`, knex sends nothing.",
    ],
    async () => {
      const { knex } = await database()
      await knex.schema.dropTable('users')
      await createMissing(knex)
      assert.deepEqual(await columnsOf(knex), COLUMNS, 'The new table must have these columns.')
    },
  )

  const { knex } = await database()
  const rows = () => knex('users').orderBy('id').select('id', 'email')
  const old = await describe(knex)
  const oldRows = await rows()

  await check(
    'always-creates',
    '`createMissing` does not change a table that exists, however often it runs',
    [
      'Your service calls `createMissing` at each start. What does it do at the second start?',
      'First check if the table exists. If it does, do nothing.',
      "`if (await knex.schema.hasTable('users')) return`",
    ],
    async () => {
      await createMissing(knex)
      await createMissing(knex)
      assertSame(await describe(knex), old, '`createMissing` must not change the existing table.')
    },
  )

  await check(
    'not-null',
    '`up` adds `phone_number` to a table with rows, and keeps the rows',
    [
      'The table has the rows of Ada and Bob, and you don’t know their numbers. Which value should `up` store?',
      'Alter the table instead of creating it again. The new column must allow NULL or have a default.',
      "`await knex.schema.alterTable('users', (table) => { table.text('phone_number') })`. Without `await`, knex sends nothing.",
    ],
    async () => {
      await knex.migrate.up(migrations)
      assert.deepEqual(await columnsOf(knex), COLUMNS, 'After `up`, the table must have these columns.')
      assert.deepEqual(await rows(), oldRows, '`up` must keep the rows as they were.')
    },
  )

  await check(
    'no-way-back',
    '`down` restores the old table, and a second `up` gives the same result as the first',
    [
      'Compare the table before `up` with the table after `down`. What is different?',
      '`down` undoes each step of `up`, from the last to the first.',
      "`await knex.schema.alterTable('users', (table) => { table.dropColumn('phone_number') })`",
    ],
    async () => {
      const upOnce = await describe(knex)
      await knex.migrate.down(migrations)
      assertSame(await describe(knex), old, 'After `down`, the table must be the same as before `up`.')
      await knex.migrate.up(migrations)
      assertSame(await describe(knex), upOnce, 'The second `up` must give the same table as the first.')
    },
  )
})

/** Describes the table `users`, one line per column, index, constraint and row. */
async function describe(knex: Knex): Promise<string[]> {
  const { rows } = await knex.raw(`
    SELECT concat_ws(' ', 'column', column_name, data_type, 'nullable', is_nullable, 'default', column_default) AS fact
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'users'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE tablename = 'users'
    UNION ALL SELECT concat_ws(' ', 'constraint', conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = to_regclass('users')
    UNION ALL SELECT 'row ' || to_json(users) FROM users`)
  return rows.map(({ fact }: { fact: string }) => fact)
}

function assertSame(now: readonly string[], before: readonly string[], sentence: string): void {
  const added = now.filter((fact) => !before.includes(fact))
  const gone = before.filter((fact) => !now.includes(fact))
  const list = (facts: string[]) => facts.join(', ') || 'nothing'
  assert.ok(added.length + gone.length === 0, `${sentence} Added: ${list(added)}. Missing: ${list(gone)}.`)
}

function columnsOf(knex: Knex): Promise<string[]> {
  return knex('information_schema.columns')
    .where({ table_schema: 'public', table_name: 'users' })
    .orderBy('column_name')
    .pluck('column_name')
}
