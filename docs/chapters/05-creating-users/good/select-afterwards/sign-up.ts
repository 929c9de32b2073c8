import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

/** With a second query for what the database has set, as `db.refresh(user)` does in the course. */
export const signUp = async (db: Knex, email: string, password: string): Promise<UserOut> => {
  const hashed = await hash(password)
  await db.insert({ email, password: hashed }).into('users')
  return db.select('id', 'email', 'created_at').from('users').where('email', email).first()
}
