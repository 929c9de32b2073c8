import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  const hashed = await hash(password)
  return db.transaction(async (transaction) => {
    const [{ id }] = await transaction('users').insert({ email, password: hashed }).returning('id')
    const { password: _, role: __, ...user } = await transaction('users').where({ id }).first()
    return user
  })
}
