import type { Knex } from 'knex'
import type { NewStep } from './watched.ts'

/** Statements outside a session, straight on the pool: of them knex tells, in the context that they were sent in. */
export class PoolStatements {
  readonly #client: Knex.Client
  readonly #sentAt = new Map<string, number>()
  readonly #listeners: readonly (readonly [string, Listener])[]

  constructor({ client }: Knex, onStatement: (step: NewStep, ms: number) => void) {
    this.#client = client
    const sentAt = this.#sentAt
    const answered = (from: Knex.Client, { __knexQueryUid: id, sql }: Sent, more: Partial<NewStep>) => {
      const since = sentAt.get(id)
      sentAt.delete(id)
      // The client of a session stands on this one, and its listeners are these.
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
          answered(this, sent, rowCount === undefined ? {} : { rows: rowCount })
        },
      ],
      [
        'query-error',
        function (this: Knex.Client, { code = 'UNKNOWN' }: { code?: string }, sent: Sent) {
          answered(this, sent, { failed: true, failure: { code, sqlState: code } })
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

/** What knex tells of a statement; the values are there, too, and are left there. */
interface Sent {
  readonly __knexQueryUid: string
  readonly sql: string
}
