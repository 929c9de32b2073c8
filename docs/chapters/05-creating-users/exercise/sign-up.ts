import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

/** Stores a new user and returns the properties that a client may see. */
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  // Your turn: hash the password, insert the row, and return the properties of UserOut.
  throw new Error(`signUp() is not implemented yet: ${email}, ${password.length} characters, ${db.name}`)
}
