import type { Knex } from 'knex'
import { Model, raw } from 'objection'

/** A row of `users`. What a client is shown of it is `schemas/user.ts`. */
export class User extends Model {
  static override tableName = 'users'

  declare id: number
  declare email: string
  /** The bcrypt hash, never the password. */
  declare password: string
  declare role: 'user' | 'admin'
  declare created_at: Date
  declare password_changed_at: Date | null
  /** The transaction that wrote this version of the row: Postgres's own column, there where it was asked for. */
  declare xmin?: string

  /** E-mails are the same whatever their case, and only SQL says so. */
  static async findByEmail(db: Knex, email: string): Promise<User | undefined> {
    return User.query(db).findOne(raw('lower(email)'), raw('lower(?)', email))
  }

  /** The new user; `undefined` where the e-mail is taken, also by a sign-up at the same moment. */
  static async create(db: Knex, user: { email: string; password: string }): Promise<User | undefined> {
    const created = await User.query(db)
      .insert(user)
      .onConflict(raw('(lower(email))'))
      .ignore()
      .returning('*')
    // Where nothing was inserted, no row came back to take an id from.
    return created.id === undefined ? undefined : created
  }

  /** Who a token names, with the version of the row. */
  static async findCaller(db: Knex, id: number): Promise<User | undefined> {
    // Of every request with a token, so by hand: to build it would cost more than to send it.
    const { rows } = await db.raw<{ rows: User[] }>('SELECT *, xmin FROM users WHERE id = ?', [id])
    return rows[0] && User.fromDatabaseJson(rows[0])
  }

  /** Makes a new version of the row, the same as before. */
  static async touch(db: Knex, { id }: User): Promise<void> {
    await User.query(db)
      .findById(id)
      .patch({ role: raw('role') })
  }

  /** Puts a better hash of the same password in the place of a weak one, unless it was replaced meanwhile. */
  static async upgradeHash(db: Knex, { id }: User, next: string, previous: string): Promise<void> {
    await User.query(db).where({ id, password: previous }).patch({ password: next })
  }

  /**
   * The user as they are now, locked until the session ends; `undefined` where they are gone, or their password was
   * changed after they were read.
   */
  static async lock(db: Knex, user: User, strength: 'share' | 'update'): Promise<User | undefined> {
    const query = User.query(db)
      .findById(user.id)
      // A Date has milliseconds, the column may have more.
      .whereRaw("date_trunc('milliseconds', password_changed_at) IS NOT DISTINCT FROM ?", [
        user.password_changed_at,
      ])
    return strength === 'share' ? query.forShare() : query.forUpdate()
  }
}
