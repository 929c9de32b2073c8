import type { Knex } from 'knex'
import { seed } from './seed.ts'

/**
 * Replaces all users, posts and votes by the demo data, with the same ids as at first.
 *
 * A new user still gets an id that no user had before: a token of a deleted user must not become one of a new user.
 */
export async function reset(knex: Knex): Promise<void> {
  await knex.transaction(async (trx) => {
    const { rows } = await trx.raw(`SELECT nextval('users_id_seq')`)
    await trx.raw('TRUNCATE users, posts, votes RESTART IDENTITY CASCADE')
    await seed(trx)
    await trx.raw(`SELECT setval('users_id_seq', greatest(?::bigint, currval('users_id_seq')))`, [
      rows[0].nextval,
    ])
  })
}
