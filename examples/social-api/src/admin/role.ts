import type { Knex } from 'knex'
import { User } from '../models/user.ts'

export const ROLES = ['user', 'admin'] as const

/** Gives a user a role; `undefined` where nobody has this e-mail. */
export async function setRole(
  knex: Knex,
  email: string,
  role: (typeof ROLES)[number],
): Promise<User | undefined> {
  const user = await User.findByEmail(knex, email)
  return user?.$query(knex).patch({ role }).returning('*').first()
}
