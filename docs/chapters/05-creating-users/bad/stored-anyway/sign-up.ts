import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: the row exists before the password is hashed. If hashing fails, it stays, without a password.
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const [user] = await db('users').insert({ email, password: '' }).returning(['id', 'email', 'created_at'])
  await db('users')
    .where({ id: user.id })
    .update({ password: await hash(password) })
  return user
}
