import { hash } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

// The mistake: knex returns a list of rows, and `any` hides that from the compiler.
// biome-ignore lint/suspicious/noExplicitAny: a part of the mistake
export async function signUp(db: Knex, email: string, password: string): Promise<any> {
  return db('users')
    .insert({ email, password: await hash(password) })
    .returning('*')
}
