import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: `*` returns every column, and the hash is one of them. The type UserOut removes nothing at runtime.
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const row = { email, password: await hash(password) }
  const [user] = await db('users').insert(row).returning('*')
  return user
}
