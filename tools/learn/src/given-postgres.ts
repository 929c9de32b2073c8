import pg from 'pg'

/** The Postgres of the environment, if it names one; else the embedded one is used. */
export const givenPostgres = () => process.env.TEST_POSTGRES_URL ?? process.env.DATABASE_URL

export async function mustAnswer(connectionString: string): Promise<void> {
  const name = process.env.TEST_POSTGRES_URL ? 'TEST_POSTGRES_URL' : 'DATABASE_URL'
  try {
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000 })
    client.on('error', () => {})
    await client.connect()
    await client.end()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    // Never the address: it may have a password in it.
    throw new Error(
      `The Postgres of ${name} does not answer (${reason}). Start it, or \`unset ${name}\`: then the embedded one is used.`,
    )
  }
}
