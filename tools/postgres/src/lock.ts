import type pg from 'pg'

/**
 * Every attached process holds this advisory lock as a shared lock, on a separate connection. If a process gets it as an
 * exclusive lock, no other process is attached, and none can attach until it releases the lock. The server releases the lock
 * of a process that was killed. An advisory lock belongs to one database: `postgres`.
 */
const KEY = 7_286_180_119

export async function holdShared(client: pg.Client): Promise<void> {
  await client.query('select pg_advisory_lock_shared($1)', [KEY])
}

export async function releaseShared(client: pg.Client): Promise<void> {
  await client.query('select pg_advisory_unlock_shared($1)', [KEY])
}

/** Returns true if no other process is attached, and keeps others from attaching. */
export async function holdExclusive(client: pg.Client): Promise<boolean> {
  return (await client.query('select pg_try_advisory_lock($1) as held', [KEY])).rows[0].held
}

/** Returns how many processes are attached. */
export async function countAttached(client: pg.Client): Promise<number> {
  const { rows } = await client.query(
    `select count(*)::int as attached from pg_locks
     where locktype = 'advisory' and mode = 'ShareLock' and granted and objsubid = 1
       and database = (select oid from pg_database where datname = current_database())
       and classid::bigint << 32 | objid::bigint = $1`,
    [KEY],
  )
  return rows[0].attached
}
