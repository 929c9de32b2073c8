import type { FastifyInstance } from 'fastify'
import type { Knex } from 'knex'

const INTERVAL_MS = 10 * 60 * 1_000
/** Rows per statement, so that none locks many of them for long. */
const BATCH = 1_000

/** The tables whose rows expire, with their primary keys. */
const EXPIRING = [
  { table: 'refresh_families', key: 'id', expired: 'expires_at <= now()' },
  { table: 'login_networks', key: 'user_id, network', expired: "logged_in_at < now() - interval '30 days'" },
  { table: 'rate_limits', key: 'key', expired: 'expire < (extract(epoch FROM now()) * 1000)::bigint' },
]

/** Deletes expired rows every ten minutes. */
export function registerCleanup(app: FastifyInstance): void {
  const timer = setInterval(() => {
    removeExpired(app.knex).catch((err) => app.log.warn({ err }, 'expired rows could not be removed'))
  }, INTERVAL_MS).unref()
  app.addHook('preClose', async () => clearInterval(timer))
}

/** Deletes expired rows, and returns how many. Several processes may do so at once: each skips what another has locked. */
export async function removeExpired(knex: Knex): Promise<number> {
  let total = 0
  for (const { table, key, expired } of EXPIRING) {
    const batch = `SELECT ${key} FROM ${table} WHERE ${expired} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`
    for (;;) {
      const { rowCount } = await knex.raw(`DELETE FROM ${table} WHERE (${key}) IN (${batch})`)
      total += rowCount
      if (rowCount < BATCH) break
    }
  }
  return total
}
