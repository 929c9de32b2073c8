import { createHasher } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'
import { devise, djangoPbkdf2, phpass } from './foreign-schemes.ts'

// #region log-in
const { DEVISE_PEPPER } = process.env
if (!DEVISE_PEPPER) throw new Error('Set DEVISE_PEPPER to config.pepper of config/initializers/devise.rb')

export const hasher = createHasher({
  cost: 12,
  legacyTruncate: true,
  foreign: [djangoPbkdf2, devise(DEVISE_PEPPER), phpass],
  placeholders: [
    'pbkdf2_sha256$260000$TIusaQZyPu2zgeUkWN1TLr$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    `$2a$10$${'.'.repeat(53)}`,
    `$P$B${'.'.repeat(30)}`,
  ],
})

/** Returns the user's id if the password is right. A hash that is weaker than today's is replaced. */
export async function logIn(knex: Knex, email: string, password: string): Promise<number | undefined> {
  const user = await knex('users').where({ email }).first()
  const verdict = await hasher.verify({
    password,
    hash: user?.password,
    save: (next, previous) =>
      knex('users').where({ id: user.id, password: previous }).update({ password: next }),
  })
  if (!verdict.ok) console.info('login failed:', verdict.reason)
  return verdict.ok ? user.id : undefined
}
// #endregion
