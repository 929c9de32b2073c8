import { createHash } from 'node:crypto'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: SHA-256 has no way back, but it is fast. A thief tries billions of passwords per second.
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const row = { email, password: createHash('sha256').update(password).digest('hex') }
  const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
  return user
}
