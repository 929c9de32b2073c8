import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: nobody awaits the query, so knex never sends it.
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const row = { email, password: await hash(password) }
  db('users').insert(row)
  return { id: 1, email, created_at: new Date() }
}
