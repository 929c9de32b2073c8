import { createHash } from 'node:crypto'
import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: two hashes are not safer than one, and a login that hashes the password once never matches.
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const digest = createHash('sha256').update(password).digest('base64')
  const row = { email, password: await hash(digest) }
  const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
  return user
}
