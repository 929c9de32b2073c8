import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import knexFactory from 'knex'
import t from 'tap'
import { type CourseTable, createTables } from '../create-tables.ts'

const EXPECTED: Readonly<Record<CourseTable, readonly string[]>> = {
  users: ['users'],
  posts: ['posts', 'users'],
  votes: ['posts', 'users', 'votes'],
}

for (const [last, tables] of Object.entries(EXPECTED)) {
  t.test(`createTables() up to ${last} creates ${tables.join(', ')} and records nothing`, async (t) => {
    const { url, drop } = await createTestDatabase()
    t.teardown(drop)
    const knex = knexFactory({ client: 'pg', connection: url })
    t.teardown(() => knex.destroy())
    await createTables(knex, last as CourseTable)
    t.same(
      await knex('pg_tables').where({ schemaname: 'public' }).orderBy('tablename').pluck('tablename'),
      tables,
    )
  })
}
