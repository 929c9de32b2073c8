import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// #region sign-up
/** Stores a new user and returns the properties that a client may see. */
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const row = { email, password: await hash(password) }
  const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
  return user
}
// #endregion
