import { setTimeout as sleep } from 'node:timers/promises'
import { createHasher } from '@auth-primer/auth-hash'
import type { Knex } from 'knex'

export const USERS = 50
export const POSTS = 1_000
const PASSWORD = 'radishes in eggshells'

/** Returns the body of a login. */
export const formatCredentials = (user: number) =>
  JSON.stringify({ username: toEmail(user), password: PASSWORD })

const toEmail = (user: number) => `user${user}@example.com`

/** Returns the two users who have voted for a post. */
const listVoters = (post: number) => [(post % USERS) + 1, ((post + USERS / 2) % USERS) + 1]

/** Returns the posts that a user has not voted for. */
export function listPostsToVoteFor(user: number): number[] {
  return listNumbers(POSTS).filter((post) => !listVoters(post).includes(user))
}

/** Returns a function that resets the tables to the same state: 50 users, 1,000 posts, 2,000 votes. */
export async function createSeed(knex: Knex, cost: number): Promise<() => Promise<void>> {
  const password = await createHasher({ cost }).hash(PASSWORD)
  const users = listNumbers(USERS).map((user) => ({ email: toEmail(user), password }))
  const posts = listNumbers(POSTS).map((post) => ({
    title: `What grows in pot ${post}`,
    content: 'Half a shell each, a spoon of earth, and a hole for the water to run out. '.repeat(4),
    owner_id: (post % USERS) + 1,
  }))
  const votes = listNumbers(POSTS).flatMap((post_id) =>
    listVoters(post_id).map((user_id) => ({ user_id, post_id })),
  )
  return async () => {
    while (await isBusy(knex)) await sleep(20)
    await knex.transaction(async (trx) => {
      await trx.raw('TRUNCATE users, posts, votes RESTART IDENTITY CASCADE')
      await trx('users').insert(users)
      await trx.batchInsert('posts', posts)
      await trx.batchInsert('votes', votes)
    })
    await knex.raw('VACUUM ANALYZE users, posts, votes, refresh_families')
  }
}

/** Returns true while statements are under way, which end a moment after the load. */
async function isBusy(knex: Knex): Promise<boolean> {
  const others = "datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"
  return (await knex('pg_stat_activity').whereRaw(others).first()) !== undefined
}

export function listNumbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}
