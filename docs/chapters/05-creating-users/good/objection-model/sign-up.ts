import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'
import { Model } from 'objection'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

class User extends Model {
  static override tableName = 'users'

  declare id: number
  declare email: string
  declare password: string
  declare created_at: Date
}

/** Through a model, as in chapter 02. */
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const user = await User.query(db)
    .insert({ email, password: await hash(password) })
    .returning(['id', 'email', 'created_at'])
  return { id: user.id, email: user.email, created_at: user.created_at }
}
