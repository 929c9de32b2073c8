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
  const sentAt = new WeakMap<object, number>()
  const onAnswer = (_answer: unknown, { sql }: { sql: string }, builder: Knex.QueryBuilder) => {
    const log = logs.getStore()
    if (log && builder.client === app.knex.client) {
      logStatement(log, sql, performance.now() - (sentAt.get(builder) ?? performance.now()))
    }
  }
  app.knex.on('start', (builder) => sentAt.set(builder, performance.now()))
  app.knex.on('query-response', onAnswer)
  app.knex.on('query-error', onAnswer)
})

function logStatement(log: FastifyBaseLogger, sql: string, ms: number): void {
  log.debug({ ms: Math.round(ms * 10) / 10 }, sql)
}
