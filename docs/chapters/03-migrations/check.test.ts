import assert from 'node:assert/strict'
import type { Knex } from 'knex'
import { chapter } from '../../check/chapter.ts'

const NAME = '20260301000000_phone_number'
const COLUMNS = ['email', 'id', 'phone_number']

await chapter(import.meta.url, async ({ load, database, claim }) => {
  const { createMissing } = await load<typeof import('./solution/create-missing.ts')>('create-missing.ts')
  const migration = await load<Knex.Migration>(`${NAME}.ts`)
  const migrations: Knex.MigratorConfig = {
    migrationSource: {
      getMigrations: async () => [NAME],
      getMigrationName: () => NAME,
      getMigration: async () => migration,
    },
  }

  await claim(
    'not-created',
    '`createMissing` makes a table that is missing',
    [
      'Into a new database it should put the table as the code wants it today, `phone_number` too.',
      'knex makes tables: `knex.schema.createTable`, with a function that names the columns.',
      "`await knex.schema.createTable('users', (table) => { table.increments('id'); table.text('email'); … })`: without `await` nothing is sent.",
    ],
    async () => {
      const { knex } = await database()
      await knex.schema.dropTable('users')
      await createMissing(knex)
      assert.deepEqual(await columnsOf(knex), COLUMNS, 'The new table has other columns.')
    },
  )

  const { knex } = await database()
  const rows = () => knex('users').orderBy('id').select('id', 'email')
  const old = await describe(knex)
  const oldRows = await rows()

  await claim(
    'always-creates',
    'where there is a table, it leaves it as it was, at every start',
    [
      'Your service calls it at each start. What does it do at the second one?',
      'Ask first whether there is a table. If there is, do nothing at all.',
      "`if (await knex.schema.hasTable('users')) return`",
    ],
    async () => {
      await createMissing(knex)
      await createMissing(knex)
      assertSame(await describe(knex), old, 'The old table is not what it was.')
    },
  )

  await claim(
    'not-null',
    'the migration adds `phone_number` to a table with rows, and leaves these as they were',
    [
      'In the table are Ada and Bob, and nobody knows their numbers. What should `up` put there?',
      'Alter the table, do not make it anew. The new column must allow NULL, or have a default.',
      "`await knex.schema.alterTable('users', (table) => { table.text('phone_number') })`: without `await` nothing is sent.",
    ],
    async () => {
      await knex.migrate.up(migrations)
      assert.deepEqual(await columnsOf(knex), COLUMNS, 'The table has other columns.')
      assert.deepEqual(await rows(), oldRows, 'The rows are others now.')
    },
  )

  await claim(
    'no-way-back',
    'down ends as before, and up again as after the first time',
    [
      'Compare the table before `up` with the one after `down`. What is left over?',
      '`down` undoes what `up` did, step for step and from the last to the first.',
      "`await knex.schema.alterTable('users', (table) => { table.dropColumn('phone_number') })`",
    ],
    async () => {
      const upOnce = await describe(knex)
      await knex.migrate.down(migrations)
      assertSame(await describe(knex), old, 'After `down` the table is not what it was.')
      await knex.migrate.up(migrations)
      assertSame(await describe(knex), upOnce, 'The second `up` ends otherwise than the first.')
    },
  )
})

/** All that Postgres knows of the table `users`, in one line for each fact. */
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
  assert.ok(added.length + gone.length === 0, `${sentence} New: ${list(added)}. Gone: ${list(gone)}.`)
}

function columnsOf(knex: Knex): Promise<string[]> {
  return knex('information_schema.columns')
    .where({ table_schema: 'public', table_name: 'users' })
    .orderBy('column_name')
    .pluck('column_name')
}
