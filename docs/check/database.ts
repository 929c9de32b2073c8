import { readFile } from 'node:fs/promises'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import knexModule, { type Knex } from 'knex'

export interface Database {
  readonly url: string
  readonly knex: Knex
}

/** Whatever runs something at its end, the last that it was given first: a tap test, or a chapter's check. */
interface Scope {
  teardown(work: () => unknown): void
}

/** A new database with the tables of an SQL file, deleted at the end. */
export async function openDatabase(scope: Scope, tables: string | URL): Promise<Database> {
  const { url, drop } = await createTestDatabase()
  scope.teardown(drop)
  const knex = knexModule({ client: 'pg', connection: url, pool: { min: 0, max: 5 } })
  scope.teardown(() => knex.destroy())
  await knex.raw(await readFile(tables, 'utf8'))
  return { url, knex }
}
