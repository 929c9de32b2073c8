import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: the values become a part of the SQL. A quote in an email breaks it, or does worse.
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const hashed = await hash(password)
  const { rows } = await db.raw(
    `INSERT INTO users (email, password) VALUES ('${email}', '${hashed}') RETURNING id, email, created_at`,
  )
  return rows[0]
}
