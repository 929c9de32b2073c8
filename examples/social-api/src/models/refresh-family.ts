import type { Knex } from 'knex'
import { Model, raw } from 'objection'
import { User } from './user.ts'

/** A row of `refresh_families`: one log-in, and the digest of the refresh token that it may use next. */
export class RefreshFamily extends Model {
  static override tableName = 'refresh_families'

  declare id: string
  declare user_id: number
  /** SHA-256 of the newest token, which itself is nowhere. */
  declare digest: Buffer
  declare expires_at: Date
  /** When the log-in was. */
  declare created_at: Date

  declare user: User

  static override relationMappings = () => ({
    user: {
      relation: Model.BelongsToOneRelation,
      modelClass: User,
      join: { from: 'refresh_families.user_id', to: 'users.id' },
    },
  })

  static async begin(
    db: Knex,
    {
      ttl,
      familyTtl,
      ...family
    }: Lifetime & {
      id: string
      user_id: number
      digest: Buffer
    },
  ) {
    const expires_at = raw('now() + least(?::interval, ?::interval)', ttl, familyTtl)
    await RefreshFamily.query(db).insert({ ...family, expires_at })
  }

  /**
   * Puts the next digest in the place of the present one, in one statement: of many that try at once with the same
   * token one succeeds.
   *
   * @returns the family with its user; `undefined` where that token is not its newest, or one of both has expired.
   */
  static async rotate(db: Knex, id: string, change: Lifetime & { from: Buffer; to: Buffer }) {
    const end = raw('created_at + ?::interval', change.familyTtl)
    const [family] = await RefreshFamily.query(db)
      .where({ id, digest: change.from })
      .where('expires_at', '>', raw('now()'))
      .where(end, '>', raw('now()'))
      .patch({ digest: change.to, expires_at: raw('least(now() + ?::interval, ?)', change.ttl, end) })
      .returning('*')
    return family?.$fetchGraph('user', { transaction: db })
  }

  /** Removes so many of the expired. Those that another process is removing are passed over. */
  static async removeExpired(db: Knex, limit: number): Promise<number> {
    const expired = RefreshFamily.query(db)
      .select('id')
      .where('expires_at', '<=', raw('now()'))
      .limit(limit)
      .forUpdate()
      .skipLocked()
    return RefreshFamily.query(db).whereIn('id', expired).delete()
  }
}

/** As Postgres reads them, `30m` and `30d`; its clock alone says what has expired. */
interface Lifetime {
  /** Of a token. */
  ttl: string
  /** Of all that come of one log-in. */
  familyTtl: string
}
