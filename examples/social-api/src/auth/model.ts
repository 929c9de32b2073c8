import { createHash, randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { Model, raw } from 'objection'
import { User } from '../users/model.ts'

/** The most logins of one user; older ones end. High, because a class may share a user. */
const MAX_FAMILIES_PER_USER = 100

/** Durations as Postgres reads them, such as `30m` and `30d`: its clock decides what has expired. */
export interface RefreshLifetime {
  /** The lifetime of one refresh token. */
  readonly refreshTokenTtl: string
  /** The lifetime of a login, however often its refresh tokens are used. */
  readonly refreshFamilyTtl: string
}

/** The refresh tokens of one login: opaque, and valid once. The row has the digest of the one that is valid now. */
export class RefreshFamily extends Model {
  static override tableName = 'refresh_families'

  declare id: string
  declare user_id: number
  /** SHA-256 of the current token. The token itself is never stored. */
  declare digest: Buffer
  declare expires_at: Date
  /** The time of the login. */
  declare created_at: Date

  /** Starts a family for a login, and returns its first token. Ends the user's oldest ones if there are too many. */
  static async begin(db: Knex, { id: user_id }: User, lifetime: RefreshLifetime): Promise<string> {
    const { token, family: id, digest } = generateToken()
    const ttls = [lifetime.refreshTokenTtl, lifetime.refreshFamilyTtl]
    const expires_at = raw('now() + least(?::interval, ?::interval)', ttls)
    await RefreshFamily.query(db).insert({ id, user_id, digest, expires_at })
    const surplus = RefreshFamily.query(db)
      .select('id')
      .where({ user_id })
      .orderBy('created_at', 'desc')
      .offset(MAX_FAMILIES_PER_USER)
    await RefreshFamily.query(db).whereIn('id', surplus).delete()
    return token
  }

  /**
   * Exchanges a token for the next one of its family, in one statement: of several attempts with one token, only one succeeds.
   *
   * @returns undefined if the token is unknown, spent or expired.
   */
  static async rotate(db: Knex, token: string, { refreshTokenTtl, refreshFamilyTtl }: RefreshLifetime) {
    const current = readToken(token)
    if (current === undefined) return undefined
    const next = generateToken(current.family)
    const end = raw('created_at + ?::interval', refreshFamilyTtl)
    const [family] = await RefreshFamily.query(db)
      .where({ id: current.family, digest: current.digest })
      .where('expires_at', '>', raw('now()'))
      .where(end, '>', raw('now()'))
      .patch({ digest: next.digest, expires_at: raw('least(now() + ?::interval, ?)', refreshTokenTtl, end) })
      .returning('user_id')
    const user = family && (await User.query(db).findById(family.user_id))
    return user && { user, token: next.token }
  }

  /** Revokes the family of a token, spent or not: none of its tokens is valid afterwards. */
  static async revoke(db: Knex, token: string): Promise<void> {
    const current = readToken(token)
    if (current !== undefined) await RefreshFamily.query(db).deleteById(current.family)
  }
}

/** The id of the family and 256 random bits, in base64url: 16 bytes are 22 characters, 32 are 43. */
const TOKEN = /^([\w-]{22})[\w-]{43}$/

function generateToken(family = randomBytes(16).toString('base64url')) {
  const token = family + randomBytes(32).toString('base64url')
  return { token, family, digest: digestToken(token) }
}

function readToken(token: string): { family: string; digest: Buffer } | undefined {
  const [, family] = TOKEN.exec(token) ?? []
  return family === undefined ? undefined : { family, digest: digestToken(token) }
}

/** A plain hash is enough: 256 random bits cannot be guessed. */
function digestToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
