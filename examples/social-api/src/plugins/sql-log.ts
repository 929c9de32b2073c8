import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import type { Knex } from 'knex'

/** At debug, every statement that a request sends is logged with the request's id; the values bound to it are not. */
export default fp(async (app) => {
  if (app.log.level !== 'debug' && app.log.level !== 'trace') return

  // A session keeps what it sent: BEGIN and COMMIT are among it.
  app.addHook('onResponse', async (request) => {
    if (request.is404) return
    for (const { sql, durationMs } of request.db.timeline) logStatement(request.log, sql, durationMs)
  })

  // Of a statement straight on the pool knex tells: the request is known by the context that it was sent in.
  const logs = new AsyncLocalStorage<FastifyBaseLogger>()
  app.addHook('onRequest', (request, _reply, done) => logs.run(request.log, done))
  const sentAt = new Map<string, number>()
  app.knex.client.on('query', ({ __knexQueryUid: id }: Sent) => sentAt.set(id, performance.now()))
  app.knex.client.on('query-response', function (this: Knex.Client, _rows: unknown, sent: Sent) {
    onAnswer(this, sent)
  })
  app.knex.client.on('query-error', function (this: Knex.Client, _error: unknown, sent: Sent) {
    onAnswer(this, sent)
  })

  function onAnswer(client: Knex.Client, { __knexQueryUid: id, sql }: Sent): void {
    const log = logs.getStore()
    const ms = performance.now() - (sentAt.get(id) ?? performance.now())
    sentAt.delete(id)
    // A session's client inherits these listeners.
    if (log && client === app.knex.client) logStatement(log, sql, ms)
  }
})

/** What knex tells of a statement. */
interface Sent {
  __knexQueryUid: string
  sql: string
}

function logStatement(log: FastifyBaseLogger, sql: string, ms: number): void {
  log.debug({ ms: Math.round(ms * 10) / 10 }, sql)
}
