import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import type { Knex } from 'knex'
import { XrayError } from '../error.ts'
import { createCrowd } from './crowd.ts'
import { createSeats, SEATS } from './seats.ts'

const Seat = Type.Object({ seat: Type.Integer(), taken_by: Type.String() })
const Took = Type.Object({ took: Type.Array(Type.Integer()) })

/** How many requests are sent at once. */
const CROWD = 50

interface SessionBenchOptions {
  readonly knex: Knex
}

/** Requests that fail on purpose. They write to the bench's own table, and to no other. */
const sessionBench: FastifyPluginAsyncTypebox<SessionBenchOptions> = async (app, { knex }) => {
  const table = createSeats(knex)
  const crowd = createCrowd(knex)
  // A lost database, or a lock of another session, must not keep the service from stopping.
  app.addHook('preClose', async () => {
    await Promise.race([table.drop().catch(() => {}), sleep(500, undefined, { ref: false })])
    await crowd.close()
  })

  /** Creates the table before the request that is to fail opens its session. */
  const preHandler = () => table.create()
  /** Unlike X-ray's other routes, these appear in the timeline. */
  const shown = {
    preHandler,
    config: { xray: 'shown' } as const,
    schema: { response: { 201: Took } },
  }

  app.get(
    '/seats',
    { preHandler: () => table.create({ again: true }), schema: { response: { 200: Type.Array(Seat) } } },
    () => table.rows(),
  )

  app.post('/success', shown, async ({ db }, reply) => {
    const seat = await take(db, 'Ann')
    db.afterCommit(() => table.trim())
    return reply.code(201).send({ took: [seat] })
  })

  app.post('/constraint', shown, async ({ db }, reply) => {
    const seat = await take(db, 'Ann')
    await db(SEATS).insert({ seat, taken_by: 'Ben' })
    // Both INSERTs succeeded; only COMMIT will check the constraint.
    return reply.code(201).send({ took: [seat, seat] })
  })

  app.post('/throw', shown, async ({ db }) => {
    await take(db, 'Ann')
    throw new Error('The bench throws after its INSERT')
  })

  app.post('/disconnect', shown, async ({ db }, reply) => {
    const seat = await take(db, 'Ann')
    // Longer than the page waits before it disconnects.
    await db.raw('SELECT pg_sleep(5)')
    return reply.code(201).send({ took: [seat] })
  })

  app.post('/kill', shown, async ({ db }, reply) => {
    const seat = await take(db, 'Ann')
    await db.raw('SELECT pg_terminate_backend(pg_backend_pid())')
    return reply.code(201).send({ took: [seat] })
  })

  app.get('/crowd/one', { config: { xray: 'shown' } }, async (_request, reply) => {
    const { status, waitedMs, workedMs } = await crowd.one()
    reply.header('server-timing', `waited;dur=${waitedMs}, worked;dur=${workedMs}`)
    if (status === 200) return { message: 'A connection was free in time.' }
    throw new XrayError('busy', 'No connection was free in time.')
  })

  app.post(
    '/crowd',
    {
      schema: {
        response: {
          200: Type.Array(
            Type.Object({
              request: Type.String(),
              status: Type.Integer(),
              waitedMs: Type.Number(),
              workedMs: Type.Number(),
            }),
          ),
        },
      },
    },
    async (request) => {
      const url = `${getLocalOrigin(request)}${app.prefix}/crowd/one`
      const { cookie = '' } = request.headers
      return Promise.all(Array.from({ length: CROWD }, () => fetchTurn(url, cookie)))
    },
  )
}

async function take(db: FastifyRequest['db'], taken_by: string): Promise<number> {
  const [row] = await db(SEATS).insert({ taken_by }).returning('seat')
  return row.seat
}

/** Returns the address at which the request arrived, regardless of its `Host`. */
function getLocalOrigin({ raw: { socket } }: FastifyRequest): string {
  const host = socket.localFamily === 'IPv6' ? `[${socket.localAddress}]` : socket.localAddress
  return `http://${host}:${socket.localPort}`
}

/** `cookie` has the key. */
async function fetchTurn(url: string, cookie: string) {
  const { status, headers } = await fetch(url, { headers: { connection: 'close', cookie } })
  const timing = headers.get('server-timing') ?? ''
  const [waitedMs = 0, workedMs = 0] = [...timing.matchAll(/dur=([\d.]+)/g)].map(([, ms]) => Number(ms))
  return { request: headers.get('x-request-id') ?? '', status, waitedMs, workedMs }
}

export default sessionBench
