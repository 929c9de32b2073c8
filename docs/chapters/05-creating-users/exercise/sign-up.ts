import type { Knex } from 'knex'

export interface UserOut {
  id: number
  email: string
  created_at: Date
}

/** Stores a new user, and answers with what may be shown of them. */
export async function signUp(db: Knex, email: string, password: string): Promise<UserOut> {
  // Yours to write: hash the password, insert the row, and return what UserOut names.
  throw new Error(
    `Nobody signs ${email} up yet, whose password has ${password.length} characters (${db.name})`,
  )
}
