import { availableParallelism } from 'node:os'
import type { HashOptions } from '@auth-primer/auth-hash'
import type { FastifyInstance } from 'fastify'
import { User } from '../users/model.ts'

/** The time that one hash takes a core of a server at cost 12. Each step up in cost doubles it. */
const MS_AT_COST_12 = 200
/** A login is rejected immediately if it would have to wait longer. */
const MAX_WAIT_MS = 16_000

/**
 * Returns how many passwords are hashed at a time, and how many more may wait.
 *
 * Two at a time: libuv has four threads, and files and host names need some, too. As many may wait as two cores hash in 16
 * seconds: at cost 12 that is 160, of which one address holds at most a quarter while another one waits. So a class of 40
 * behind one address is served completely, in four seconds, even while others log in.
 */
export function getHashingLimits(cost: number, cores = availableParallelism()) {
  const concurrency = Math.min(cores, 2)
  const maxQueue = Math.floor((concurrency * MAX_WAIT_MS) / (MS_AT_COST_12 * 2 ** (cost - 12)))
  // Only tests use less than 10, the minimum of BCRYPT_COST.
  return { cost, concurrency, maxQueue, unsafeLowCost: cost < 10 }
}

/**
 * Returns the user with this email and password; undefined if there is none. An unknown email costs the same work as a wrong
 * password. A hash of a lower cost than today's is replaced.
 */
export async function verifyCredentials(
  { knex, hasher }: FastifyInstance,
  email: string,
  password: string,
  options: HashOptions,
): Promise<User | undefined> {
  const user = await User.findByEmail(knex, email)
  const { ok } = await hasher.verify({
    ...options,
    password,
    hash: user?.password,
    save: async (next, previous) => user && User.upgradeHash(knex, user, next, previous),
  })
  return ok ? user : undefined
}
