import bcrypt from 'bcrypt'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: one salt for the whole table. Two users with the same password have the same hash.
const salt = await bcrypt.genSalt(10)

export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const row = { email, password: await bcrypt.hash(password, salt) }
  const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
  return user
}
