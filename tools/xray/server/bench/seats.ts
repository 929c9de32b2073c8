import type { Knex } from 'knex'
import { XrayError } from '../error.ts'

/** The table that the session bench writes to: seats in a cinema, in X-ray's own schema. */
export const SEATS = 'xray.seats'

/** Only the newest rows are kept. */
const MAX_ROWS = 12

// The constraint is deferred: a seat that is taken twice is refused at COMMIT, not by the INSERT.
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

/** Manages the table: created at first use, never more than a few rows, dropped when the service stops. */
export function createSeats(knex: Knex) {
  let creating: Promise<unknown> | undefined

  /** Another process that stops drops the table of all of them: `again` checks that it still exists. */
  async function create({ again = false } = {}): Promise<void> {
    if (again) creating = undefined
    creating ??= knex.transaction((trx) => trx.raw(CREATE))
    try {
      await creating
    } catch (error) {
      creating = undefined
      throw toXrayError(error) ?? error
    }
  }

  return {
    create,

    async rows(): Promise<Seat[]> {
      return knex(SEATS).select('seat', 'taken_by').orderBy('seat')
    },

    async trim(): Promise<void> {
      const kept = knex(SEATS).select('seat').orderBy('seat', 'desc').limit(MAX_ROWS)
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

/** SQLSTATEs of a role without the privilege, and of a read-only database. */
const NOT_PERMITTED = ['42501', '25006']

function toXrayError(error: unknown): XrayError | undefined {
  if (!NOT_PERMITTED.includes((error as { code?: string }).code ?? '')) return undefined
  return new XrayError(
    'conflict',
    'The session bench writes to a schema of its own, `xray`, and this database does not let the service create one. Without DATABASE_URL the service has its own database.',
    { cause: error },
  )
}
