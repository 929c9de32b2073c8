import type { Knex } from 'knex'
import { Model, raw } from 'objection'

/** A row of `users`. `schemas.ts` has the part of it that clients get. */
export class User extends Model {
  static override tableName = 'users'

  declare id: number
  declare email: string
  /** The bcrypt hash, never the password. */
  declare password: string
  declare role: 'user' | 'admin'
  declare created_at: Date
  declare password_changed_at: Date | null

  /** Emails are stored in NFC, and compared case-insensitively, only in SQL. */
  static async findByEmail(db: Knex, email: string): Promise<User | undefined> {
    return User.query(db).findOne(raw('lower(email)'), raw('lower(?)', email.normalize('NFC')))
  }

  /** Returns the new user; undefined if the email is taken, even by a sign-up at the same moment. */
  static async create(db: Knex, user: { email: string; password: string }): Promise<User | undefined> {
    const created = await User.query(db)
      .insert({ ...user, email: user.email.normalize('NFC') })
      .onConflict(raw('(lower(email))'))
      .ignore()
      .returning('*')
    // If nothing was inserted, no row came back.
    return created.id === undefined ? undefined : created
  }

  /** Replaces a weak hash by a better one of the same password, unless the password was changed in between. */
  static async upgradeHash(db: Knex, { id }: User, next: string, previous: string): Promise<void> {
    await User.query(db).where({ id, password: previous }).patch({ password: next })
  }

  /**
   * Locks the user until the transaction ends, and returns the current row; undefined if the user was deleted, or the
   * password was changed, since `user` was read.
   */
  static async lock(db: Knex, user: User, strength: 'share' | 'update'): Promise<User | undefined> {
    // A Date has milliseconds, the column may have more.
    const isUnchanged = "date_trunc('milliseconds', password_changed_at) IS NOT DISTINCT FROM ?"
    const query = User.query(db).findById(user.id).whereRaw(isUnchanged, [user.password_changed_at])
    return strength === 'share' ? query.forShare() : query.forUpdate()
  }
}
