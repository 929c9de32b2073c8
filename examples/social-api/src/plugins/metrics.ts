import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client'

export interface MetricsOptions {
  /** Where to count. Without it nothing is counted. */
  metrics?: Registry
}

/**
 * Counts what happens, for Prometheus. Every label has few values, known beforehand: routes and not paths, and nothing of
 * who asked for what.
 */
export default fp<MetricsOptions>(async (app, { metrics: registry }) => {
  if (registry === undefined) return
  collectDefaultMetrics({ register: registry })
  countRequests(app, registry)
  watchHashing(app, registry)
  watchSessions(app, registry)
  watchPool(app, registry)
})

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])

function countRequests(app: FastifyInstance, registry: Registry): void {
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Requests by route, and how long their answers took.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  })
  app.addHook('onResponse', async (request, reply) => {
    const method = METHODS.has(request.method) ? request.method : 'other'
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none')
    requests.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1_000)
  })

  const broken = new Counter({
    name: 'http_broken_requests_total',
    help: 'What never became a request: slow, too large, or no HTTP.',
    labelNames: ['reason'],
    registers: [registry],
  })
  app.server.on('clientError', ({ code }: NodeJS.ErrnoException) => {
    broken.inc({ reason: REASONS[code ?? ''] ?? 'malformed' })
  })

  new Gauge({
    name: 'http_connections',
    help: 'Open connections of clients, the idle ones among them.',
    registers: [registry],
    collect() {
      return new Promise((resolve) => {
        app.server.getConnections((_error, count) => resolve(this.set(count ?? 0)))
      })
    },
  })
}

const REASONS: Record<string, string> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'timeout',
  HPE_HEADER_OVERFLOW: 'too large',
  ECONNRESET: 'hung up',
}

function watchHashing(app: FastifyInstance, registry: Registry): void {
  const registers = [registry]
  for (const [name, help, value] of [
    ['running', 'Passwords being hashed.', () => app.hasher.stats.running],
    ['waiting', 'Passwords waiting to be hashed.', () => app.hasher.stats.waiting],
  ] as const) {
    new Gauge({
      name: `auth_hash_${name}`,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  }
  new Counter({
    name: 'auth_hash_overloaded_total',
    help: 'Passwords turned away because too many were waiting.',
    registers,
    collect() {
      this.reset()
      this.inc(app.hasher.stats.overloaded)
    },
  })

  const buckets = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8]
  const waited = new Histogram({
    name: 'auth_hash_wait_seconds',
    help: 'How long passwords waited to be hashed.',
    buckets,
    registers,
  })
  const worked = new Histogram({
    name: 'auth_hash_work_seconds',
    help: 'How long it took to hash them.',
    buckets,
    registers,
  })
  listen<{ waitedMs: number; workedMs: number }>(app, 'auth-hash:finish', ({ waitedMs, workedMs }) => {
    waited.observe(waitedMs / 1_000)
    worked.observe(workedMs / 1_000)
  })

  const verdicts = new Counter({
    name: 'auth_hash_verdicts_total',
    help: 'Log-ins by what was thought of the password.',
    labelNames: ['verdict'],
    registers,
  })
  listen<{ ok: boolean; reason: string }>(app, 'auth-hash:verify', ({ ok, reason }) => {
    verdicts.inc({ verdict: ok ? 'ok' : reason })
  })
}

function watchSessions(app: FastifyInstance, registry: Registry): void {
  const registers = [registry]
  const waited = new Histogram({
    name: 'db_session_wait_seconds',
    help: 'How long sessions waited for a connection.',
    buckets: [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2],
    registers,
  })
  const sessions = new Counter({
    name: 'db_sessions_total',
    help: 'Database sessions by how they ended.',
    labelNames: ['outcome'],
    registers,
  })
  listen<Ended>(app, 'db-session:begin', ({ durationMs }) => waited.observe(durationMs / 1_000))
  listen<Ended>(app, 'db-session:commit', ({ error }) => sessions.inc({ outcome: ofCommit(error) }))
  listen<Ended>(app, 'db-session:rollback', () => sessions.inc({ outcome: 'rolled back' }))

  const reports = new Counter({
    name: 'db_session_reports_total',
    help: 'Sessions that sat idle in their transaction, or stayed open for too long.',
    labelNames: ['kind'],
    registers,
  })
  for (const kind of ['idle', 'leak']) listen(app, `db-session:${kind}`, () => reports.inc({ kind }))
}

interface Ended {
  durationMs: number
  error?: string
}

/** Postgres's own codes have five characters; those of class 57P and 08 say that it took the connection away. */
function ofCommit(error: string | undefined): string {
  if (error === undefined) return 'committed'
  return /^(?!57P|08)[0-9A-Z]{5}$/.test(error) ? 'commit failed' : 'outcome unknown'
}

function watchPool(app: FastifyInstance, registry: Registry): void {
  const { pool } = app.knex.client
  const registers = [registry]
  for (const [name, help, value] of [
    ['used', 'Connections to the database in use.', () => pool.numUsed()],
    ['free', 'Connections to the database that are open and not in use.', () => pool.numFree()],
    ['pending', 'Queries outside a session that wait for a connection.', () => pool.numPendingAcquires()],
    ['max', 'The most connections of this process.', () => pool.max],
  ] as const) {
    new Gauge({
      name: `db_pool_${name}`,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  }
}

function listen<Message>(app: FastifyInstance, channel: string, onMessage: (message: Message) => void): void {
  const name = `auth-primer:${channel}`
  const listener = (message: unknown) => onMessage(message as Message)
  subscribe(name, listener)
  app.addHook('onClose', async () => void unsubscribe(name, listener))
}
