import { attachPostgres, defaultDataDir } from '@auth-primer/tool-postgres'
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
  if (!hasTables || given) return work(hasTables ? given : undefined)
  const server = await attachPostgres({ dir: defaultDataDir() })
  try {
    return await work(server.url)
  } finally {
    await server.leave()
  }
}
