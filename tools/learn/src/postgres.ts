import type { Chapter } from './chapters.ts'

/**
 * Calls `work` with the URL of a Postgres if the chapter needs one. It is a promise, because starting the embedded
 * Postgres takes time. `work` must create a database of its own in it.
 */
export async function withPostgres<T>(
  { tables }: Chapter,
  work: (url: Promise<string> | undefined) => Promise<T>,
): Promise<T> {
  if (!tables) return work(undefined)
  const kept = import('./keep-postgres.ts').then(({ keepPostgres }) =>
    keepPostgres(
      () => {},
      () => {},
    ),
  )
  try {
    return await work(kept.then((postgres) => postgres.url()))
  } finally {
    await (await kept).release()
  }
}
