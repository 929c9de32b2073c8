import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { startTemporaryPostgres } from './temporary.ts'

export interface TestDatabase {
  readonly url: string
  /** The URL of the database `postgres` on the same server. */
  readonly adminUrl: string
  /** Ends the sessions that are still open, and deletes the database. */
  drop(): Promise<void>
}

/**
 * Creates an empty database for one test file: on the server that `npm test` has started, or on a temporary server if the
 * file is run by hand.
 *
 * @example
 * const database = await createTestDatabase()
 * t.teardown(() => database.drop())
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const own = process.env.TEST_POSTGRES_URL ? undefined : await startTemporaryPostgres()
  const admin = new URL(own?.url ?? (process.env.TEST_POSTGRES_URL as string))
  admin.pathname = '/postgres'
  const name = `test_${process.pid}_${randomBytes(4).toString('hex')}`
  const url = new URL(admin)
  url.pathname = `/${name}`
  await execute(admin.href, `create database ${name}`)
  return {
    url: url.href,
    adminUrl: admin.href,
    drop: () => own?.remove() ?? execute(admin.href, `drop database if exists ${name} with (force)`),
  }
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await client.query(sql).finally(() => client.end())
}
