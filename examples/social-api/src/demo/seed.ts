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
