import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { temporaryPostgres } from './temporary.ts'

export interface TestDatabase {
  readonly url: string
  /** Of the same server's `postgres` database. */
  readonly adminUrl: string
  /** Deletes the database, ending the sessions that are still in it. */
  drop(): Promise<void>
}

/**
 * A new, empty database for one test file, on the server that `npm test` has started; on a temporary server
 * of its own where a test file is run by hand.
 *
 * @example
 * const database = await createTestDatabase()
 * t.teardown(() => database.drop())
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const own = process.env.TEST_POSTGRES_URL ? undefined : await temporaryPostgres()
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
