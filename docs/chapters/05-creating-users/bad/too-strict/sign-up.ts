import bcrypt from 'bcrypt'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: 72 bytes are not too long yet. bcrypt reads all of them.
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  if (Buffer.byteLength(password) >= 72) throw new Error('The password is too long')
  const row = { email, password: await bcrypt.hash(password, 10) }
  const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
  return user
}
