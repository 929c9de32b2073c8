import { createHasher } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// This scheme hashes with SHA-256 first, so every byte of a long password counts.
const hasher = createHasher({ scheme: 'bcrypt-sha256' })

export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const row = { email, password: await hasher.hash(password) }
  const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
  return user
}
