import { attachPostgres, defaultDataDir } from '@auth-primer/tool-postgres'
import pg from 'pg'
import type { Chapter } from './chapters.ts'

/**
 * Calls `work` with a Postgres where a chapter has tables: that of `TEST_POSTGRES_URL` or `DATABASE_URL` if they are set,
 * else the embedded one. Only databases of their own are made in it.
 */
export async function withPostgres<T>(
  { hasTables }: Chapter,
  work: (url: string | undefined) => Promise<T>,
): Promise<T> {
  const given = process.env.TEST_POSTGRES_URL ?? process.env.DATABASE_URL
  if (!hasTables) return work(undefined)
  if (given) {
    await mustAnswer(given)
    return work(given)
  }
  const server = await attachPostgres({ dir: defaultDataDir() })
  try {
    return await work(server.url)
  } finally {
    await server.leave()
  }
}

async function mustAnswer(connectionString: string): Promise<void> {
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
