import pg from 'pg'

/** Returns the URL that the environment names, if it names one. Otherwise the embedded Postgres is used. */
export const configuredPostgresUrl = () => process.env.TEST_POSTGRES_URL ?? process.env.DATABASE_URL

/** Rejects if Postgres does not accept a connection. The message does not contain the URL, which may contain a password. */
export async function assertReachable(connectionString: string): Promise<void> {
  const variable = process.env.TEST_POSTGRES_URL ? 'TEST_POSTGRES_URL' : 'DATABASE_URL'
  try {
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000 })
    client.on('error', () => {})
    await client.connect()
    await client.end()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(
      `Cannot connect to the Postgres server in ${variable} (${reason}). Start it, or run \`unset ${variable}\` to use the embedded one.`,
    )
  }
}
