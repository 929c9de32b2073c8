import bcrypt from 'bcrypt'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

const MAX_BYTES = 72

/** With the package bcrypt, which does not check the length. */
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  if (Buffer.byteLength(password, 'utf8') > MAX_BYTES)
    throw new RangeError(`A password has at most ${MAX_BYTES} bytes`)
  const salt = await bcrypt.genSalt(11)
  const row = { email, password: await bcrypt.hash(password, salt) }
  const rows = await db('users').insert(row, ['id', 'email', 'created_at'])
  return rows[0]
}
