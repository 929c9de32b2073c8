import { createHasher } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

// #region log-in
const hasher = createHasher({ cost: 12, legacyTruncate: true })

/** The user's id, if the password is theirs; a hash that is weaker than today's is replaced on the way. */
export async function logIn(knex: Knex, email: string, password: string): Promise<number | undefined> {
  const user = await knex('users').where({ email }).first()
  const { ok } = await hasher.verify({
    password,
    hash: user?.password,
    save: (next, previous) =>
      knex('users').where({ id: user.id, password: previous }).update({ password: next }),
  })
  return ok ? user.id : undefined
}
// #endregion
