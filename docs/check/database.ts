import { readFile } from 'node:fs/promises'
import { type CourseTable, createTables } from '@auth-primer/migrations'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import knexModule, { type Knex } from 'knex'

export interface Database {
  readonly url: string
  readonly knex: Knex
}

/** Runs functions at its end, the last one first: a tap test, or a chapter's check. */
interface Scope {
  teardown(work: () => unknown): void
}

/** Creates a database with the tables of an SQL file, and deletes it at the end. */
export async function openDatabase(scope: Scope, tables: string | URL): Promise<Database> {
  const database = await openEmpty(scope)
  await database.knex.raw(await readFile(tables, 'utf8'))
  return database
}

/** Creates a database with the tables of `migrations/` up to this one, and deletes it at the end. */
export async function openMigrated(scope: Scope, tables: CourseTable): Promise<Database> {
  const database = await openEmpty(scope)
  await createTables(database.knex, tables)
  return database
}

async function openEmpty(scope: Scope): Promise<Database> {
  const { url, drop } = await createTestDatabase()
  scope.teardown(drop)
  const knex = knexModule({ client: 'pg', connection: url, pool: { min: 0, max: 5 } })
  scope.teardown(() => knex.destroy())
  return { url, knex }
}
