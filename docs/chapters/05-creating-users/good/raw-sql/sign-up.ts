import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

/** In SQL, with one placeholder per value. */
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const hashed = await hash(password)
  const { rows } = await db.raw(
    'INSERT INTO users (email, password) VALUES (?, ?) RETURNING id, email, created_at',
    [email, hashed],
  )
  return rows[0]
}
