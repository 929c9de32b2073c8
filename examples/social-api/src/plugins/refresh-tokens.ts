import { createHash, randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import type { Knex } from 'knex'
import { RefreshFamily } from '../models/refresh-family.ts'
import type { User } from '../models/user.ts'

export interface RefreshTokenOptions {
  /** How long a refresh token lives, such as `30d`. */
  refreshTokenTtl: string
  /** How long after the log-in its refresh tokens end, however much they are used, such as `90d`. */
  refreshFamilyTtl: string
}

export interface RefreshTokens {
  /** A log-in: a new family, and its first token. */
  begin(db: Knex, user: User): Promise<string>
  /** Spends a token: its user and the token that follows; `undefined` where it is unknown, expired or spent. */
  rotate(db: Knex, token: string): Promise<{ user: User; next: string } | undefined>
  /** Ends the family of a token, spent or not: none of its tokens is good any more. */
  end(db: Knex, token: string): Promise<void>
  /** Ends every family of a user. */
  endAll(db: Knex, user: User): Promise<void>
  /** Removes the expired families, and answers how many there were. Several processes may do so at once. */
  removeExpired(): Promise<number>
}

/** `app.refreshTokens`: they are opaque, each is good once, and who shows a spent one ends all that came of it. */
export default fp<RefreshTokenOptions>(async (app, options) => {
  const lifetime = { ttl: options.refreshTokenTtl, familyTtl: options.refreshFamilyTtl }

  app.decorate('refreshTokens', {
    async begin(db, { id: user_id }) {
      const { token, family, digest } = generate()
      await RefreshFamily.begin(db, { id: family, user_id, digest, ...lifetime })
      return token
    },

    async rotate(db, token) {
      const spent = read(token)
      if (spent === undefined) return undefined
      const next = generate(spent.family)
      const change = { from: spent.digest, to: next.digest, ...lifetime }
      const family = await RefreshFamily.rotate(db, spent.family, change)
      return family && { user: family.user, next: next.token }
    },

    async end(db, token) {
      const { family } = read(token) ?? {}
      if (family !== undefined) await RefreshFamily.query(db).deleteById(family)
    },

    async endAll(db, { id: user_id }) {
      await RefreshFamily.query(db).where({ user_id }).delete()
    },

    async removeExpired() {
      let count = 0
      for (let more = true; more; ) {
        const removed = await app.unitOfWork((db) => RefreshFamily.removeExpired(db, BATCH))
        count += removed
        more = removed >= BATCH
      }
      return count
    },
  })

  const timer = setInterval(() => {
    app.refreshTokens.removeExpired().then(
      (count) => app.log.debug({ count }, 'removed expired log-ins'),
      (err) => app.log.warn({ err }, 'expired log-ins could not be removed; the next try is in ten minutes'),
    )
  }, TEN_MINUTES_MS)
  timer.unref()
  app.addHook('preClose', async () => clearInterval(timer))
})

const TEN_MINUTES_MS = 600_000
/** So many rows a transaction, so that none is long. */
const BATCH = 1_000

/** A token is the id of its family and 256 random bits more, in base64url: 16 bytes are 22 characters, 32 are 43. */
const TOKEN = /^([\w-]{22})[\w-]{43}$/

function generate(family = randomBytes(16).toString('base64url')) {
  const token = family + randomBytes(32).toString('base64url')
  return { token, family, digest: digestOf(token) }
}

function read(token: string): { family: string; digest: Buffer } | undefined {
  const [, family] = TOKEN.exec(token) ?? []
  return family === undefined ? undefined : { family, digest: digestOf(token) }
}

/** No salt and no bcrypt: of 256 random bits there is nothing to guess. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly refreshTokens: RefreshTokens
  }
}
