import knexFactory, { type Knex } from 'knex'
import { findPendingMigrations, migrateToLatest } from './migrate.ts'

export interface PrepareOptions {
  /** False: pending migrations are an error. */
  readonly mayMigrate: boolean
  readonly log: (message: string) => void
  /** Fills a database that has no users. Returns false if it did nothing. */
  readonly seed?: ((knex: Knex) => Promise<boolean>) | undefined
}

/** Its message is one line with the reason and the fix, and never contains the URL's password. */
export class DatabaseNotReadyError extends Error {
  override readonly name = 'DatabaseNotReadyError'
}

/**
 * Makes a database ready for the service.
 *
 * @throws {DatabaseNotReadyError} if it cannot be reached or migrated, or if migrations are pending and may not be run.
 */
export async function prepareDatabase(url: string, { mayMigrate, log, seed }: PrepareOptions): Promise<void> {
  const knex = knexFactory({
    client: 'pg',
    connection: { connectionString: url, application_name: 'social-api', connectionTimeoutMillis: 5_000 },
    pool: { min: 0, max: 4 },
    acquireConnectionTimeout: 6_000,
    // The error that is thrown has the same information.
    log: { debug() {}, warn() {}, error() {}, deprecate() {} },
  })
  try {
    if (mayMigrate) {
      const names = await migrateToLatest(knex)
      if (names.length > 0) log(`Migrated the database: ${names.join(', ')}`)
    } else await rejectPending(knex)
    if (seed !== undefined && !(await knex('users').first('id')) && (await seed(knex)))
      log('Stored the demo data in the empty database')
  } catch (error) {
    throw explain(error, url)
  } finally {
    await knex.destroy()
  }
}

async function rejectPending(knex: Knex): Promise<void> {
  const pending = await findPendingMigrations(knex)
  if (pending.length === 0) return
  throw new DatabaseNotReadyError(
    `${pending.length} migrations are pending (${pending.join(', ')}). Run \`npm run db:migrate\` first.`,
  )
}

/** Exported for its test. */
export function explain(error: unknown, url: string): DatabaseNotReadyError {
  if (error instanceof DatabaseNotReadyError) return error
  const { hostname, port, pathname } = new URL(url)
  const address = `${hostname}:${port || 5432}${pathname}`
  const { code, message } = error as { code?: string; message?: string }
  if (message?.includes('already locked')) {
    const text = `Another process is migrating the database at ${address}. Try again when it is done.`
    return new DatabaseNotReadyError(text, { cause: error })
  }
  const reason = message === 'timeout expired' ? 'it does not respond' : message || code
  return new DatabaseNotReadyError(
    `The database at ${address} cannot be used: ${reason}. Start it, or fix DATABASE_URL (unset: the embedded Postgres).`,
    { cause: error },
  )
}
