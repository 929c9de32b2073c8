import bcrypt from 'bcrypt'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: cost 4 takes about a millisecond, for you and for every guess.
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const row = { email, password: await bcrypt.hash(password, 4) }
  const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
  return user
}
