import { randomUUID, timingSafeEqual } from 'node:crypto'
import { AuthHashError, createHasher, explain, type Hasher } from '@auth-primer/auth-hash'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import bcrypt from 'bcrypt'
import { LRUCache } from 'lru-cache'
import { XrayError } from '../error.ts'
import { tryEdges } from './hash-edges.ts'
import { HashParts, splitHash } from './hash-parts.ts'
import { oneAtATime } from './one-at-a-time.ts'

/** The costs that the bench offers, independent of the service's. */
const COSTS = [10, 11, 12, 13, 14] as const
const Cost = Type.Integer({ minimum: COSTS[0], maximum: COSTS[4] })

/** As in a login. auth-hash rejects what it does not hash. */
const Password = Type.String({ minLength: 1, maxLength: 1024 })

/**
 * Hashes passwords that are typed for the purpose. It has no access to users: it reads no table, and compares only with its
 * own last hashes, kept in memory under random ids. The page gets parts of those, and never a password or a whole digest.
 */
const hashBench: FastifyPluginAsyncTypebox = async (app) => {
  const runInTurn = oneAtATime()
  const hashers = new Map(COSTS.map((cost) => [cost as number, createHasher({ cost, concurrency: 1 })]))
  const hashes = new LRUCache<string, string>({ max: 20 })

  const hashed = async (password: string, cost: number) => {
    const started = performance.now()
    // Every cost of the schema has its hasher.
    const hash = await (hashers.get(cost) as Hasher).hash(password).catch(throwRefusal)
    return { hash, ms: performance.now() - started }
  }

  app.post(
    '/',
    {
      schema: {
        body: Type.Object({ password: Password, cost: Cost }),
        response: {
          200: Type.Array(Type.Object({ id: Type.String(), ms: Type.Number(), ...HashParts.properties })),
        },
      },
    },
    async ({ body: { password, cost } }) =>
      runInTurn(async () => {
        const twice = [await hashed(password, cost), await hashed(password, cost)]
        return twice.map(({ hash, ms }) => {
          const id = randomUUID()
          hashes.set(id, hash)
          return { id, ms, ...splitHash(hash) }
        })
      }),
  )

  app.post(
    '/compare',
    {
      schema: {
        body: Type.Object({ id: Type.String({ maxLength: 36 }), password: Password }),
        response: {
          200: Type.Object({
            stored: HashParts,
            computed: HashParts,
            ms: Type.Number(),
            equal: Type.Boolean(),
            /** auth-hash's own verdict on the same two. */
            verdict: Type.Object({ ok: Type.Boolean(), reason: Type.Optional(Type.String()) }),
          }),
        },
      },
    },
    async ({ body: { id, password } }) => {
      const stored = hashes.get(id)
      if (stored === undefined)
        throw new XrayError('not-found', 'The bench no longer has this hash. Hash again.')
      return runInTurn(async () => {
        const { version, cost, salt, digest } = explain(stored)
        const started = performance.now()
        const computed = await bcrypt.hash(password.normalize('NFC'), `$${version}$${cost}$${salt}`)
        const ms = performance.now() - started
        const equal = timingSafeEqual(Buffer.from(explain(computed).digest), Buffer.from(digest))
        const verdict = await createHasher({ cost }).verify({ password, hash: stored })
        return { stored: splitHash(stored), computed: splitHash(computed), ms, equal, verdict }
      })
    },
  )

  app.post(
    '/time',
    {
      schema: {
        body: Type.Object({ cost: Cost }),
        response: { 200: Type.Object({ cost: Cost, ms: Type.Number() }) },
      },
    },
    async ({ body: { cost } }) =>
      runInTurn(async () => ({ cost, ms: (await hashed('only to be timed', cost)).ms })),
  )

  app.post(
    '/edges',
    {
      schema: {
        response: {
          200: Type.Array(
            Type.Object({
              edge: Type.String(),
              bytes: Type.Tuple([Type.Integer(), Type.Integer()]),
              bcrypt: Type.Boolean(),
              authHash: Type.Union([Type.Boolean(), Type.String()]),
            }),
          ),
        },
      },
    },
    async () => runInTurn(tryEdges),
  )
}

/** Passes on auth-hash's message, which never contains the password. */
function throwRefusal(error: unknown): never {
  if (!(error instanceof AuthHashError)) throw error
  throw new XrayError('malformed', `${error.message}.`, { cause: error })
}

export default hashBench
