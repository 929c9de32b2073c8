import type { Knex } from 'knex'
import { DEMO_POSTS, DEMO_USERS } from './data.ts'

/**
 * Stores the demo data, all of it or none.
 *
 * @returns false if one of its users exists already; then nothing is changed.
 */
export async function seed(knex: Knex): Promise<boolean> {
  return knex.transaction(async (trx) => {
    // If two processes seed at once, the second waits here, and then finds the users of the first.
    await trx.raw('LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE')
    const emails = DEMO_USERS.map(({ email }) => email)
    if (await trx('users').whereRaw('lower(email) = ANY(?)', [emails]).first()) return false

    const users = await trx('users')
      .insert([...DEMO_USERS])
      .returning(['id', 'email'])
    const idByEmail = new Map(users.map(({ id, email }) => [email, id]))

    const posts = DEMO_POSTS.map(({ author, voters, ...post }) => ({
      ...post,
      owner_id: idByEmail.get(author),
    }))
    const postIds = await trx('posts').insert(posts).returning('id')

    const votes = DEMO_POSTS.flatMap(({ voters }, index) =>
      voters.map((voter) => ({ user_id: idByEmail.get(voter), post_id: postIds[index].id })),
    )
    await trx('votes').insert(votes)
    return true
  })
}

/**
 * Deletes all users with everything that belongs to them, and stores the demo data again, while the service may be running:
 * its requests wait for a moment.
 */
export async function resetDemoData(knex: Knex): Promise<void> {
  await knex.transaction(async (trx) => {
    // Rejects if another transaction stays open.
    await trx.raw("SET LOCAL lock_timeout = '10s'")
    await trx.raw('LOCK TABLE users')
    const { rows } = await trx.raw('SELECT last_value FROM users_id_seq')
    // Its trigger also deletes the counted login attempts.
    await trx.raw('TRUNCATE users, posts, votes RESTART IDENTITY CASCADE')
    await seed(trx)
    // The token of a deleted user must not become valid for a new one with the same id.
    const { last_value: lastId } = rows[0]
    await trx.raw("SELECT setval('users_id_seq', greatest(?, (SELECT max(id) FROM users)))", [lastId])
  })
}
