import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

/** Without `await`: each step is a function that gets the result of the one before. */
export function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  return hash(password)
    .then((hashed) => db('users').insert({ email, password: hashed }).returning('*'))
    .then(([{ id, email, created_at }]) => ({ id, email, created_at }))
}
