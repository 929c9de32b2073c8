import { createHmac, hkdfSync } from 'node:crypto'
import { OverloadedError, type Slot } from '@auth-primer/auth-hash'
import type { FastifyRequest } from 'fastify'
import type { Knex } from 'knex'
import { getClientNetwork, tooManyRequests } from '../../platform/rate-limit.ts'
import type { User } from '../users/model.ts'
import { createLimiter, FailureLimit, type Outcome, type Settle } from './failure-limit.ts'

const MINUTE_S = 60
const HOUR_S = 60 * MINUTE_S
const DAY_S = 24 * HOUR_S
/** How long an attempt waits for others that are still being checked. */
const UNDECIDED_TIMEOUT_MS = 10_000

export interface LoginLimitsConfig {
  readonly jwtSecret: string
  /** The limits. 0: no limit. */
  readonly throttles: {
    /** Failed logins of one account per day, from networks that are new to it. A single network may use half of them. */
    readonly failedLoginsPerAccount: number
    /** Failed logins from one address per hour, for all accounts together. High, because a class may share the address. */
    readonly failedLoginsPerAddress: number
    /** Sign-ups from one address per minute. */
    readonly signUpsPerMinute: number
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly loginLimits: ReturnType<typeof createLoginLimits>
  }
}

/** Creates the counters of `limitLoginAttempts` and `limitSignUps`. */
export function createLoginLimits(knex: Knex, { jwtSecret, throttles }: LoginLimitsConfig) {
  const { failedLoginsPerAccount: perAccount, failedLoginsPerAddress, signUpsPerMinute } = throttles
  const perPair = Math.ceil(perAccount / 2)
  const hmacKey = Buffer.from(hkdfSync('sha256', jwtSecret, '', 'rate limits', 32))
  return {
    byAddress: new FailureLimit(knex, 'address', { free: failedLoginsPerAddress, windowS: HOUR_S }),
    byPair: new FailureLimit(knex, 'pair', { free: perPair, windowS: DAY_S, isResetBySuccess: true }),
    byAccount: new FailureLimit(knex, 'account', { free: perAccount, windowS: DAY_S }),
    signUps: createLimiter(knex, 'sign-up', signUpsPerMinute, MINUTE_S),
    // Hashed, so that no email or address is stored, and keys are short whatever a client sends.
    toKey: (...parts: string[]) => createHmac('sha256', hmacKey).update(parts.join('\0')).digest('base64url'),
  }
}

/**
 * Makes a login attempt, or throws a 429 if there were too many wrong passwords. Slows down password guessing without locking
 * the owner out.
 *
 * Failed logins are limited by address, by account and address together, and by account. A network from which the
 * account has logged in within 30 days is exempt from the last one, so strangers elsewhere cannot use it up.
 *
 * @param attempt checks the password in its slot of the hashing queue, and returns `undefined` if it is wrong
 */
export async function limitLoginAttempts(
  request: FastifyRequest,
  email: string,
  attempt: (slot: Slot) => Promise<User | undefined>,
): Promise<User | undefined> {
  const { hasher, knex, loginLimits } = request.server
  const { byAddress, byPair, byAccount, toKey } = loginLimits
  const address = getClientNetwork(request)
  const deadline = Date.now() + UNDECIDED_TIMEOUT_MS
  const charges: Settle[] = []
  let outcome: Outcome = 'unchecked'
  // Before anything else, so that an overloaded service rejects the request without any work.
  const slot = hasher.reserve({ key: address })
  try {
    charges.push(await byAddress.charge(toKey(address), deadline))
    // The address is checked before the account is read, so that a 429 for the address does not depend on the account.
    const { account, isKnownNetwork } = await findAccount(knex, email, toKey(address))
    charges.push(await byPair.charge(toKey(account, address), deadline))
    if (!isKnownNetwork) charges.push(await byAccount.charge(toKey(account), deadline))

    // A client that disconnects stays charged: only a right password refunds the charges.
    outcome = 'wrong'
    const user = await attempt(slot)
    if (user !== undefined) {
      outcome = 'right'
      await rememberNetwork(knex, user, toKey(address))
    }
    return user
  } catch (error) {
    if (error instanceof OverloadedError) outcome = 'unchecked'
    throw error
  } finally {
    slot.release()
    await Promise.all(charges.map((settle) => settle(outcome)))
  }
}

/** Throws a 429 if too many sign-ups came from the client's address within a minute. */
export async function limitSignUps(request: FastifyRequest): Promise<void> {
  const { signUps, toKey } = request.server.loginLimits
  if (signUps.points === 0) return
  const { consumedPoints, msBeforeNext } = await signUps.penalty(toKey(getClientNetwork(request)))
  if (consumedPoints <= signUps.points) return
  throw tooManyRequests('Too many sign-ups from your IP address.', msBeforeNext / 1000)
}

/** Compares emails in Postgres, as a login does, so that all spellings of an email share one count. */
async function findAccount(knex: Knex, email: string, network: string) {
  const { rows } = await knex.raw<{ rows: [{ account: string; isKnownNetwork: boolean }] }>(
    `SELECT lower(:email) AS account, EXISTS (
       SELECT FROM login_networks JOIN users ON users.id = user_id
       WHERE lower(email) = lower(:email) AND network = :network AND logged_in_at > now() - interval '30 days'
     ) AS "isKnownNetwork"`,
    { email: email.normalize('NFC'), network },
  )
  return rows[0]
}

/** Stores the network, at most once per day. The user's row is locked, so that a user who is being deleted is not an error. */
async function rememberNetwork(knex: Knex, { id }: User, network: string): Promise<void> {
  await knex.raw(
    `INSERT INTO login_networks SELECT id, ? FROM users WHERE id = ? FOR KEY SHARE
     ON CONFLICT (user_id, network) DO UPDATE SET logged_in_at = now()
     WHERE login_networks.logged_in_at < now() - interval '1 day'`,
    [network, id],
  )
}
