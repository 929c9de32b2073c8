import type { Chapter } from './chapters.ts'
import { keepPostgres } from './keep-postgres.ts'

/** Calls `work` with a Postgres where a chapter has tables. Only databases of their own are made in it. */
export async function withPostgres<T>(
  { hasTables }: Chapter,
  work: (url: string | undefined) => Promise<T>,
): Promise<T> {
  if (!hasTables) return work(undefined)
  const postgres = keepPostgres(
    () => {},
    () => {},
  )
  try {
    return await work(await postgres.url())
  } finally {
    await postgres.leave()
  }
}
