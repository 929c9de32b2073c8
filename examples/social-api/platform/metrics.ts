/**
 * Protects whoever runs the service from flying blind: counts what happens, for Prometheus, on a port of its own. Every label
 * has few values, known in advance: routes, not paths, and nothing about the caller.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import Fastify, { type FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client'

export interface MetricsConfig {
  /** The registry to count in. @default nothing is counted */
  readonly metrics?: Registry | undefined
}

/** Returns the server that Prometheus reads: on a port that no proxy forwards to, without rate limits and queues. */
export function createMetricsServer(registry: Registry): FastifyInstance {
  const app = Fastify()
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  )
  return app
}

export function registerMetrics(app: FastifyInstance, { metrics: registry }: MetricsConfig): void {
  if (registry === undefined) return
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read())
      },
    })
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers })
  const histogram = <Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: Label[]
  ) => new Histogram({ name, help, buckets, labelNames, registers })
  const listen = <Message>(channel: string, onMessage: (message: Message) => void) => {
    const listener = (message: unknown) => onMessage(message as Message)
    subscribe(`auth-primer:${channel}`, listener)
    app.addHook('onClose', async () => void unsubscribe(`auth-primer:${channel}`, listener))
  }

  // Requests
  const requests = histogram(
    'http_request_duration_seconds',
    'Requests by route, and how long their responses took.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    'method',
    'route',
    'status',
  )
  app.addHook('onResponse', async ({ method, is404, routeOptions }, { statusCode, elapsedTime }) => {
    const route = is404 ? 'none' : (routeOptions.url ?? 'none')
    requests.observe(
      { method: METHODS.has(method) ? method : 'other', route, status: statusCode },
      elapsedTime / 1_000,
    )
  })
  const broken = counter('http_broken_requests_total', 'Input that never became a request.', 'reason')
  app.server.on('clientError', ({ code }: NodeJS.ErrnoException) => {
    broken.inc({ reason: BROKEN_REASONS[code ?? ''] ?? 'malformed' })
  })
  gauge('http_connections', 'Open connections of clients, idle ones included.', async () => {
    return new Promise((resolve) => app.server.getConnections((_error, count) => resolve(count ?? 0)))
  })

  // Password hashing
  gauge('auth_hash_running', 'Passwords being hashed.', () => app.hasher.stats.running)
  gauge('auth_hash_waiting', 'Passwords waiting to be hashed.', () => app.hasher.stats.waiting)
  new Counter({
    name: 'auth_hash_overloaded_total',
    help: 'Passwords rejected because too many were waiting.',
    registers,
    collect() {
      this.reset()
      this.inc(app.hasher.stats.overloaded)
    },
  })
  const hashBuckets = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8]
  const hashWait = histogram('auth_hash_wait_seconds', 'How long passwords waited to be hashed.', hashBuckets)
  const hashWork = histogram('auth_hash_work_seconds', 'How long it took to hash them.', hashBuckets)
  listen<{ waitedMs: number; workedMs: number }>('auth-hash:finish', ({ waitedMs, workedMs }) => {
    hashWait.observe(waitedMs / 1_000)
    hashWork.observe(workedMs / 1_000)
  })
  const verdicts = counter('auth_hash_verdicts_total', 'Checked passwords by verdict.', 'verdict')
  listen<{ ok: boolean; reason: string }>('auth-hash:verify', ({ ok, reason }) => {
    verdicts.inc({ verdict: ok ? 'ok' : reason })
  })

  // Database sessions
  const waitBuckets = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2]
  const waited = histogram(
    'db_session_wait_seconds',
    'How long sessions waited for a connection.',
    waitBuckets,
  )
  const sessions = counter('db_sessions_total', 'Database sessions by how they ended.', 'outcome')
  listen<SessionEvent>('db-session:begin', ({ durationMs }) => waited.observe(durationMs / 1_000))
  listen<SessionEvent>('db-session:commit', ({ error }) => sessions.inc({ outcome: describeCommit(error) }))
  listen<SessionEvent>('db-session:rollback', () => sessions.inc({ outcome: 'rolled back' }))
  const reports = counter('db_session_reports_total', 'Sessions that were idle or open for too long.', 'kind')
  for (const kind of ['idle', 'leak']) listen(`db-session:${kind}`, () => reports.inc({ kind }))

  // The pool
  const { pool } = app.knex.client
  gauge('db_pool_used', 'Connections to the database in use.', () => pool.numUsed())
  gauge('db_pool_free', 'Open connections to the database not in use.', () => pool.numFree())
  gauge('db_pool_pending', 'Queries outside a session that wait for a connection.', () =>
    pool.numPendingAcquires(),
  )
  gauge('db_pool_max', 'The most connections of this process.', () => pool.max)
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])

const BROKEN_REASONS: Record<string, string> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'timeout',
  HPE_HEADER_OVERFLOW: 'too large',
  ECONNRESET: 'disconnected',
}

interface SessionEvent {
  readonly durationMs: number
  readonly error?: string
}

/** Postgres's own codes have five characters; those of class 57P and 08 mean that it took the connection away. */
function describeCommit(error: string | undefined): string {
  if (error === undefined) return 'committed'
  return /^(?!57P|08)[0-9A-Z]{5}$/.test(error) ? 'commit failed' : 'outcome unknown'
}
