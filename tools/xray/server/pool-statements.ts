import type { Knex } from 'knex'
import type { NewStep } from './trace-builder.ts'

/** Observes the statements that are sent outside a database session, directly on the pool, through knex's events. */
export class PoolStatements {
  readonly #client: Knex.Client
  readonly #sentAt = new Map<string, number>()
  readonly #listeners: readonly (readonly [string, Listener])[]

  constructor({ client }: Knex, onStatement: (step: NewStep, ms: number) => void) {
    this.#client = client
    const sentAt = this.#sentAt
    const finished = (from: Knex.Client, { __knexQueryUid: id, sql }: Sent, more: Partial<NewStep>) => {
      const since = sentAt.get(id)
      sentAt.delete(id)
      // A session's client inherits from this one, listeners included.
      if (since === undefined || from !== client) return
      onStatement({ kind: 'query', sql, onPool: true, ...more }, performance.now() - since)
    }
    this.#listeners = [
      [
        'query',
        function (this: Knex.Client, { __knexQueryUid: id }: Sent) {
          if (this === client) sentAt.set(id, performance.now())
        },
      ],
      [
        'query-response',
        function (this: Knex.Client, _rows: unknown, sent: Sent & { response?: { rowCount?: number } }) {
          const { rowCount } = sent.response ?? {}
          finished(this, sent, rowCount === undefined ? {} : { rows: rowCount })
        },
      ],
      [
        'query-error',
        function (this: Knex.Client, { code = 'UNKNOWN' }: { code?: string }, sent: Sent) {
          finished(this, sent, { failed: true, failure: { code, sqlState: code } })
        },
      ],
    ]
  }

  start(): void {
    for (const [name, listener] of this.#listeners) this.#client.on(name, listener)
  }

  stop(): void {
    for (const [name, listener] of this.#listeners) this.#client.off(name, listener)
    this.#sentAt.clear()
  }
}

type Listener = Parameters<Knex.Client['on']>[1]

/** The members of knex's event that are read. The bound values are not among them. */
interface Sent {
  readonly __knexQueryUid: string
  readonly sql: string
}
