/**
 * Protects operators from flying blind: counts requests, password hashes and database sessions for Prometheus, on a separate
 * port. Every label has few values, known in advance: routes, not paths, and nothing about the caller.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { promisify } from 'node:util'
import Fastify, { type FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client'

type Read = () => number | Promise<number>

export interface MetricsConfig {
  /** The registry to count in. @default nothing is counted */
  readonly metrics?: Registry | undefined
}

/** Returns the server that Prometheus reads: on a port that no proxy forwards to, without rate limits and queues. */
export function createMetricsServer(registry: Registry): FastifyInstance {
  const app = Fastify()
  app.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  return app
}

export function registerMetrics(app: FastifyInstance, { metrics: registry }: MetricsConfig): void {
  if (registry === undefined) return
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  /** Registers a number that is read at each scrape. */
  const observe = (Kind: typeof Gauge | typeof Counter, name: string, help: string, read: Read) =>
    new Kind({
      name,
      help,
      registers,
      async collect() {
        const value = await read()
        this.reset()
        this.inc(value)
      },
    })
  const count = (name: string, help: string, label: string) =>
    new Counter({ name, help, labelNames: [label], registers })
  const measure = (name: string, help: string, buckets: number[], labelNames: string[] = []) =>
    new Histogram({ name, help, buckets, labelNames, registers })
  const listen = <Message>(channel: string, onMessage: (message: Message) => void) => {
    const listener = (message: unknown) => onMessage(message as Message)
    subscribe(`auth-primer:${channel}`, listener)
    app.addHook('onClose', async () => void unsubscribe(`auth-primer:${channel}`, listener))
  }

  // Requests
  const durations = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
  const labels = ['method', 'route', 'status']
  const requests = measure('http_request_duration_seconds', 'Requests by route.', durations, labels)
  app.addHook('onResponse', async ({ method, is404, routeOptions }, { statusCode: status, elapsedTime }) => {
    const route = is404 ? 'none' : (routeOptions.url ?? 'none')
    requests.observe({ method: METHODS.has(method) ? method : 'other', route, status }, elapsedTime / 1_000)
  })
  const broken = count('http_broken_requests_total', 'Input that never became a request.', 'reason')
  app.server.on('clientError', ({ code }: NodeJS.ErrnoException) => {
    broken.inc({ reason: BROKEN_REASONS[code ?? ''] ?? 'malformed' })
  })
  const getConnections = promisify(app.server.getConnections.bind(app.server))
  observe(Gauge, 'http_connections', 'Open connections of clients, idle ones included.', getConnections)

  // Password hashing
  const stats = () => app.hasher.stats
  observe(Gauge, 'auth_hash_running', 'Passwords being hashed.', () => stats().running)
  observe(Gauge, 'auth_hash_waiting', 'Passwords waiting to be hashed.', () => stats().waiting)
  observe(Counter, 'auth_hash_overloaded_total', 'Passwords rejected.', () => stats().overloaded)
  const hashBuckets = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8]
  const hashWait = measure('auth_hash_wait_seconds', 'How long passwords waited to be hashed.', hashBuckets)
  const hashWork = measure('auth_hash_work_seconds', 'How long it took to hash them.', hashBuckets)
  listen<{ waitedMs: number; workedMs: number }>('auth-hash:finish', ({ waitedMs, workedMs }) => {
    hashWait.observe(waitedMs / 1_000)
    hashWork.observe(workedMs / 1_000)
  })
  const verdicts = count('auth_hash_verdicts_total', 'Checked passwords by verdict.', 'verdict')
  listen<{ ok: boolean; reason: string }>('auth-hash:verify', ({ ok, reason }) => {
    verdicts.inc({ verdict: ok ? 'ok' : reason })
  })

  // Database sessions
  const waitBuckets = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2]
  const waited = measure('db_session_wait_seconds', 'How long sessions waited for a connection.', waitBuckets)
  const sessions = count('db_sessions_total', 'Database sessions by how they ended.', 'outcome')
  listen<SessionEvent>('db-session:begin', ({ durationMs }) => waited.observe(durationMs / 1_000))
  listen<SessionEvent>('db-session:commit', ({ error }) => sessions.inc({ outcome: describeCommit(error) }))
  listen<SessionEvent>('db-session:rollback', () => sessions.inc({ outcome: 'rolled back' }))
  const reports = count('db_session_reports_total', 'Sessions that were idle or open for too long.', 'kind')
  for (const kind of ['idle', 'leak']) listen(`db-session:${kind}`, () => reports.inc({ kind }))

  // The pool
  const { pool } = app.knex.client
  observe(Gauge, 'db_pool_used', 'Connections to the database in use.', () => pool.numUsed())
  observe(Gauge, 'db_pool_free', 'Open connections to the database not in use.', () => pool.numFree())
  observe(Gauge, 'db_pool_pending', 'Queries that wait for a connection.', () => pool.numPendingAcquires())
  observe(Gauge, 'db_pool_max', 'The most connections of this process.', () => pool.max)
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

/** Postgres's own codes have five characters; those of class 57P and 08 mean that the connection was lost. */
function describeCommit(error: string | undefined): string {
  if (error === undefined) return 'committed'
  return /^(?!57P|08)[0-9A-Z]{5}$/.test(error) ? 'commit failed' : 'outcome unknown'
}
