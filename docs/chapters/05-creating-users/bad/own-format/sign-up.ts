import { createCipheriv, randomBytes } from 'node:crypto'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: encryption is made to be undone. Anyone who finds the key has all the passwords.
const KEY = randomBytes(32)

export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', KEY, iv)
  const text = Buffer.concat([iv, cipher.update(password, 'utf8'), cipher.final(), cipher.getAuthTag()])
  const row = { email, password: text.toString('base64') }
  const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])
  return user
}
