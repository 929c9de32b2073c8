import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: encoding is not hashing. Anyone who can read the table can read the passwords.
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const row = { email, password: Buffer.from(password).toString('base64') }
  const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
  return user
}
