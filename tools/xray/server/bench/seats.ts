import type { Knex } from 'knex'
import { XrayError } from '../error.ts'

/** What the session bench writes to: seats in a cinema, in a schema that is X-ray's alone. */
export const SEATS = 'xray.seats'

/** So many rows are kept, the newest. */
const MOST_ROWS = 12

// A seat twice is refused at COMMIT, and not by the INSERT.
const CREATE = `
  SELECT pg_advisory_xact_lock(hashtext('xray.seats'));
  CREATE SCHEMA IF NOT EXISTS xray;
  CREATE TABLE IF NOT EXISTS xray.seats (
    seat serial,
    taken_by text NOT NULL,
    CONSTRAINT one_person_a_seat UNIQUE (seat) DEFERRABLE INITIALLY DEFERRED
  )`

export interface Seat {
  seat: number
  taken_by: string
}

/** The table: it is made when it is first asked for, never has many rows, and goes when the service stops. */
export function seats(knex: Knex) {
  let creating: Promise<unknown> | undefined

  /** Another process that stops takes the table of all of them away: `anew` looks whether it is still there. */
  async function create({ anew = false } = {}): Promise<void> {
    if (anew) creating = undefined
    creating ??= knex.transaction((trx) => trx.raw(CREATE))
    try {
      await creating
    } catch (error) {
      creating = undefined
      throw refused(error) ?? error
    }
  }

  return {
    create,

    async rows(): Promise<Seat[]> {
      return knex(SEATS).select('seat', 'taken_by').orderBy('seat')
    },

    async trim(): Promise<void> {
      const kept = knex(SEATS).select('seat').orderBy('seat', 'desc').limit(MOST_ROWS)
      await knex(SEATS).whereNotIn('seat', kept).delete()
    },

    async drop(): Promise<void> {
      if (creating === undefined) return
      await knex.transaction((trx) =>
        trx.raw('SET LOCAL lock_timeout = 200; DROP SCHEMA IF EXISTS xray CASCADE'),
      )
    },
  }
}

/** SQLSTATEs of a role that may not, and of a database that only reads. */
const MAY_NOT = ['42501', '25006']

function refused(error: unknown): XrayError | undefined {
  if (!MAY_NOT.includes((error as { code?: string }).code ?? '')) return undefined
  return new XrayError(
    'conflict',
    'The session bench writes to a schema of its own, `xray`, and this database does not let the service make one. Without DATABASE_URL the service has a database of its own.',
    { cause: error },
  )
}
