import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: the function has another name than the one that is imported.
export async function createUser(db: Knex, email: string, password: string): Promise<UserOut> {
  const row = { email, password: await hash(password) }
  const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
  return user
}
