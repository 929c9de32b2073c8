import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { ChainableCommander, Redis } from 'ioredis'
import { User } from '../models/user.ts'

/** How long it is kept in mind what a caller has written. */
const MEMORY_S = 600
/** How old the position may be that a replica must be past for any caller: well within that memory. */
const FLOOR_MS = 60_000

/**
 * A replica serves a caller only if it has all that they have written, through whichever process; else the primary does.
 *
 * Redis has, for each caller, how far a replica must be: a sorted set, of which the highest score counts. Before the
 * handler of a write that is infinity, and no replica will do; it stays where the outcome is not known. After the COMMIT
 * and before the answer's head, the primary's position takes its place.
 *
 * - A write that Redis does not take note of gives the caller's row in `users` a new version. Each request reads that row
 *   from the primary, and a replica without this very version will not do. (So a new user is not missed there either.)
 * - A read that Redis does not answer is the primary's.
 * - What Redis forgets, a caller after ten minutes or everything in a restart, is below the floor: what the primary had
 *   when this process last looked, which is a minute ago at most and not before its connection to Redis.
 */
export default fp(async (app) => {
  if (app.redis === undefined || !app.hasReplica) return
  const redis: Redis = app.redis

  const guard = app.authenticate.at(-1)
  app.addHook('onRoute', (route) => {
    if (![route.onRequest].flat().includes(guard)) return
    const { preHandler = [], onSend = [] } = route
    if (route.config?.db?.mode === 'read') route.preHandler = [preHandler, beforeRead].flat()
    else if (route.method !== 'GET' && route.method !== 'HEAD') {
      route.preHandler = [preHandler, beforeWrite].flat()
      // db-session's own hook is among them by now, and comes first: what follows runs once all is stored.
      route.onSend = [onSend, afterWrite].flat()
    }
  })

  async function beforeRead(request: FastifyRequest): Promise<void> {
    const { caller } = request
    try {
      const [, written = '0'] = await redis.zrevrange(keyOf(caller), 0, 0, 'WITHSCORES')
      if (written === 'inf') return
      // Only now: it is not from before this connection to Redis.
      const position = Math.max(Number(written), await floor())
      request.replicaMustHave = {
        text: `select pg_last_wal_replay_lsn() - '0/0' >= $1
          and exists (select from users where id = $2 and xmin = $3::xid)`,
        values: [position, caller.id, caller.xmin],
      }
    } catch (error) {
      request.log.debug({ reason: messageOf(error) }, 'this is read on the primary')
    }
  }

  const writes = new WeakMap<FastifyRequest, { name: string; isNoted: boolean }>()

  async function beforeWrite(request: FastifyRequest): Promise<void> {
    const write = { name: randomUUID(), isNoted: false }
    writes.set(request, write)
    try {
      await send(request.caller, (key, commands) => commands.zadd(key, '+inf', write.name))
      write.isNoted = true
    } catch (error) {
      request.log.debug({ reason: messageOf(error) }, 'Redis does not know of this write')
    }
  }

  async function afterWrite(
    request: FastifyRequest,
    reply: FastifyReply,
    payload: unknown,
  ): Promise<unknown> {
    const write = writes.get(request)
    // It may have been stored, or may still be.
    if (write === undefined || (reply.statusCode >= 500 && write.isNoted)) return payload
    const { caller } = request
    try {
      const position = await primaryPosition()
      await send(caller, (key, commands) =>
        commands.zadd(key, 'GT', position, 'written').zrem(key, write.name),
      )
    } catch {
      await User.touch(app.knex, caller).catch((err) => {
        request.log.warn({ err }, 'what was written may be missed in reads from the replica')
      })
    }
    return payload
  }

  let sample: { position: Promise<number>; at: number } | undefined
  redis.on('ready', () => {
    sample = undefined
  })

  async function floor(): Promise<number> {
    if (sample === undefined || performance.now() - sample.at > FLOOR_MS)
      sample = { position: primaryPosition(), at: performance.now() }
    const { position } = sample
    return position.catch((error) => {
      if (sample?.position === position) sample = undefined
      throw error
    })
  }

  /** In bytes since the first: as exact as a score of Redis is, for the first nine petabytes. */
  async function primaryPosition(): Promise<number> {
    const { rows } = await app.knex.raw("select pg_current_wal_insert_lsn() - '0/0' as position")
    return Number(rows[0].position)
  }

  async function send(caller: User, add: (key: string, commands: ChainableCommander) => ChainableCommander) {
    const key = keyOf(caller)
    const answers = await add(key, redis.multi()).expire(key, MEMORY_S).exec()
    for (const [error] of answers ?? [[new Error('Redis discarded it')]]) if (error) throw error
  }
})

function keyOf({ id }: User): string {
  return `social-api:written:${id}`
}

/** Its message alone: an error of ioredis carries the command. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
