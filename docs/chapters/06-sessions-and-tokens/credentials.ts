import { createHasher } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

const hasher = createHasher()

/** Returns the user with this email and password. Chapter 09 explains how this works. */
export async function verifyCredentials(
  db: Knex,
  email: string,
  password: string,
): Promise<{ id: number } | undefined> {
  const user = await db('users').whereRaw('lower(email) = lower(?)', [email]).first('id', 'password')
  const { ok } = await hasher.verify({ password, hash: user?.password })
  return ok ? { id: user.id } : undefined
}
