import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

export async function signUp(db: Knex, email: string, password: string): Promise<UserOut | null> {
  try {
    const row = { email, password: await hash(password) }
    const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
    return user
  } catch {
    // The mistake: every error becomes `null`, and a caller that does not look goes on without a user.
    return null
  }
}
