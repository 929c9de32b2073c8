import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import knexModule, { type Knex } from 'knex'
import { dbSession } from '../src/index.ts'
import { marker, OwnError, type Place, run } from './interpreter.ts'
import { ROUTES, type Route } from './program.ts'
import type { SessionTrace, Trace } from './trace.ts'

/** The size of the pool: small, so that requests wait for each other. */
export const POOL = 4

export interface Service {
  readonly knex: Knex
  readonly base: string
  close(): Promise<void>
}

/** Starts a Fastify app whose routes run programs. `traces` contains the traces of the requests under way. */
export async function serve(url: string, traces: ReadonlyMap<number, Trace>): Promise<Service> {
  const quiet = { warn() {}, error() {}, debug() {}, deprecate() {} }
  const knex = knexModule({ client: 'pg', connection: url, pool: { min: 0, max: POOL }, log: quiet })
  const app = Fastify()
  await app.register(dbSession, {
    knex,
    closePools: true,
    acquireTimeoutMs: 10_000,
    statementTimeoutMs: 1_000,
    begin: (request) => marker(request ? readIndex(request) : 'no request'),
  })

  const findTrace = (request: FastifyRequest): Trace => traces.get(readIndex(request)) as Trace
  const createPlace = (request: FastifyRequest, session: SessionTrace): Place => {
    const trace = findTrace(request)
    return { app, request, trace, session, db: () => request.db, scope: undefined }
  }

  for (const route of Object.keys(ROUTES) as Route[]) {
    app.post(`/${route}`, {
      config: { db: ROUTES[route] },
      preHandler: async (request) => {
        const trace = findTrace(request)
        const { hook } = trace.program
        if (hook.length > 0) await run(hook, createPlace(request, trace.open('request', route === 'read')))
      },
      handler: (request, reply) => {
        const trace = findTrace(request)
        return trace.track(() => handle(trace, request, reply))
      },
    })
  }

  async function handle(trace: Trace, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    trace.runs++
    trace.thrown = undefined
    const { route, steps, end } = trace.program
    const session = (trace.runs === 1 && trace.last) || trace.open('request', route === 'read')
    try {
      await run(steps, createPlace(request, session))
      if (end.kind === 'throw') throw new OwnError(end.status)
    } catch (error) {
      trace.thrown = error
      throw error
    } finally {
      session.returned(end.kind === 'rows')
    }
    if (end.kind === 'rows') {
      trace.returned = true
      const rows = request.db.raw('select generate_series(1, ?::int) as n', [end.rows]).stream()
      return reply.type('text/plain').send(Readable.from(lines(rows)))
    }
    trace.returned = end.status < 400
    reply.code(end.status)
    return { status: end.status }
  }

  // requests hold all connections but the last, which the pool reserves for a unit of work
  let waiting: (() => void)[] = []
  app.post('/full', async (request) => {
    await request.db.query('select 1')
    await new Promise<void>((resolve) => {
      if (waiting.push(resolve) < POOL - 1) return
      const all = waiting
      waiting = []
      app.unitOfWork((db) => db.query('select 1')).finally(() => all.forEach((each) => void each()))
    })
    return {}
  })

  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return { knex, base: `http://127.0.0.1:${port}`, close: () => app.close() }
}

/** Reads the index from a header, because hooks and `begin` need it before the body is parsed. */
function readIndex(request: FastifyRequest): number {
  return Number(request.headers['x-index'] ?? -1)
}

async function* lines(rows: AsyncIterable<{ n: number }>): AsyncGenerator<string> {
  for await (const { n } of rows) yield `${n}\n`
}
