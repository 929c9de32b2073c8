import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: without `await`, the row gets a promise instead of its value.
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const row = { email, password: hash(password) }
  const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
  return user
}
