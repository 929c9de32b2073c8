import { createHash, randomBytes } from 'node:crypto'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: a salt makes each hash different, but none of them slow.
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const salt = randomBytes(16).toString('hex')
  const digest = createHash('sha512').update(salt).update(password).digest('base64')
  const row = { email, password: `${salt}:${digest}` }
  const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
  return user
}
