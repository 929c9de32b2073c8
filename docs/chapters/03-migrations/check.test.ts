import assert from 'node:assert/strict'
import { createTables } from '@auth-primer/migrations'
import type { Knex } from 'knex'
import { chapter, type Hints } from '../../check/chapter.ts'

const NAME = '20260301000000_phone_number'
const COLUMNS = ['created_at', 'email', 'id', 'password', 'phone_number', 'role']

const DOWN_FAILS: Hints = [
  'Run `up`, then `down`. The error message from Postgres says what `down` cannot find.',
  '`down` must use the same names as `up` for the table, the column and the index, if there is one.',
  "`await knex.schema.alterTable('users', (table) => { table.dropColumn('phone_number') })`",
]

await chapter(import.meta.url, async ({ load, database, check, expectation }) => {
  const { createMissing } = await load<typeof import('./solution/create-missing.ts')>(
    'create-missing.ts',
    'createMissing',
  )
  const migration = await load<Required<Knex.Migration>>(`${NAME}.ts`, 'up', 'down')
  const migrations: Knex.MigratorConfig = {
    migrationSource: {
      getMigrations: async () => [NAME],
      getMigrationName: () => NAME,
      getMigration: async () => migration,
    },
  }
  const { knex } = await database({ tables: 'users' })

  await check(
    'not-created',
    '`createMissing` creates the table if it is missing',
    [
      'In a new database, `createMissing` should create the table as the code needs it today, including `phone_number`.',
      'Use `knex.schema.createTable`, with a function that adds the columns.',
      "`await knex.schema.createTable('users', (table) => { table.increments('id'); table.text('email'); … })`. Without `await`, knex sends nothing.",
    ],
    async () => {
      await knex.schema.dropTable('users')
      await createMissing(knex)
      const columns = await columnsOf(knex)
      assert.ok(columns.length > 0, 'In a new database, `createMissing` did not create the table `users`.')
      await expectation(
        'other-columns',
        [
          'Compare the columns with the comment above `createMissing`. A new database needs all of them.',
          'Describe the table as the code needs it today: the five existing columns and the new one.',
          "Write one line per column, for example `table.text('phone_number')`.",
        ],
        () => assert.deepEqual(columns, COLUMNS, 'The new table must have these columns.'),
      )
    },
  )

  await knex.schema.dropTableIfExists('users')
  await createTables(knex, 'users')
  await knex('users').insert([
    { email: 'ada@example.com', password: '!' },
    { email: 'bob@example.com', password: '!' },
  ])
  const rows = () => knex('users').orderBy('id').select('id', 'email', 'password', 'role', 'created_at')
  const old = await describe(knex)
  const oldRows = await rows()

  await check(
    'always-creates',
    '`createMissing` does not change an existing table, no matter how often it runs',
    [
      'Your service calls `createMissing` each time it starts. What does the function do the second time?',
      'First check whether the table exists. If it does, do nothing.',
      "`if (await knex.schema.hasTable('users')) return`",
    ],
    async () => {
      await createMissing(knex)
      await createMissing(knex)
      const rowsNow = await rows()
      await expectation(
        'rows-lost',
        [
          'How many users are in the table after the service starts for the second time?',
          'Never drop a table that has rows. If the table exists, do nothing.',
          "`if (await knex.schema.hasTable('users')) return`, and no `dropTable`.",
        ],
        () => assert.deepEqual(rowsNow, oldRows, '`createMissing` must keep the rows of the existing table.'),
      )
      await expectation(
        'changes-it',
        [
          'The table exists and has its old columns. Which file in this exercise changes it?',
          '`create_all` does not check the columns of an existing table. Changing them is the migration’s task.',
          "`if (await knex.schema.hasTable('users')) return`, and nothing else in that case.",
        ],
        async () =>
          assertSame(await describe(knex), old, '`createMissing` must not change the existing table.'),
      )
    },
  )

  await check(
    'not-null',
    '`up` adds `phone_number` to a table with rows, and keeps the rows',
    [
      'The table has rows for Ada and Bob, and you don’t know their phone numbers. What value should `up` store for them?',
      'Alter the table instead of creating it again. The new column must allow NULL or have a default.',
      "`await knex.schema.alterTable('users', (table) => { table.text('phone_number') })`. Without `await`, knex sends nothing.",
    ],
    async () => {
      await knex.migrate.up(migrations)
      await expectation(
        'not-added',
        [
          'Which columns does the table have after `up`? `createMissing` does not add any to an existing table.',
          'Add the column with `alterTable`, and await the call: knex never sends a statement that is not awaited.',
          "`await knex.schema.alterTable('users', (table) => { table.text('phone_number') })`",
        ],
        async () =>
          assert.deepEqual(await columnsOf(knex), COLUMNS, 'After `up`, the table must have these columns.'),
      )
      await expectation(
        'rows-deleted',
        [
          'How many users are left after `up`?',
          'A migration changes the existing table. Do not drop the table or create it again.',
          "`await knex.schema.alterTable('users', (table) => { table.text('phone_number') })`",
        ],
        async () => assert.deepEqual(await rows(), oldRows, '`up` must keep the rows as they were.'),
      )
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
      await expectation('down-fails', DOWN_FAILS, () => knex.migrate.down(migrations))
      await expectation(
        'too-much-undone',
        [
          'What did `up` add, and what does `down` remove?',
          '`down` removes exactly what `up` added, and keeps the rows and the other columns.',
          "`table.dropColumn('phone_number')` in `alterTable`, not `dropTable`.",
        ],
        async () =>
          assert.ok(
            (await columnsOf(knex)).length >= COLUMNS.length - 1 && (await rows()).length === 2,
            '`down` removed more than `up` added.',
          ),
      )
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
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'users'
    UNION ALL SELECT concat_ws(' ', 'constraint', conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = to_regclass('public.users')
    UNION ALL SELECT concat_ws(' ', 'row', id, email) FROM public.users`)
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
