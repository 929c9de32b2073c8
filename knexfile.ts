import type { Knex } from 'knex'
import { MIGRATION_SESSION } from './migrations/migrate.ts'
import { migrationSource } from './migrations/source.ts'

const connectionString = process.env.DATABASE_URL
if (connectionString === undefined) {
  throw new Error(
    'DATABASE_URL is not set. `npm run db:migrate` and its kin set it to the embedded Postgres.',
  )
}

const config: Knex.Config = {
  client: 'pg',
  connection: { connectionString, application_name: MIGRATION_SESSION },
  migrations: { migrationSource, extension: 'ts', stub: `${import.meta.dirname}/migrations/migration.stub` },
}

export default config
