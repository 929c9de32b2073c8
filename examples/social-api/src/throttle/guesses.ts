import { createHash } from 'node:crypto'
import { Problem } from '../problem.ts'
import type { Counter, CreateCounter } from './counter.ts'
import { FailureLimit, type Place } from './failures.ts'
import { InFlight } from './in-flight.ts'

const HOUR = 60 * 60
const DAY = 24 * HOUR
/** How many attempts may wait, in this process, for others of the same account or address to end. */
const MAX_WAITING = 100

export interface GuessLimits {
  /** Failures of one account from all addresses that are new to it; a single address has half of them. 0: no limit. */
  readonly perAccount: number
  /** Failures from one address, whatever the accounts. 0: no limit. */
  readonly perAddress: number
}

/**
 * Who guesses at passwords is slowed down; who owns the account is not shut out by them.
 *
 * - One account from one address: `perAccount / 2` failures a day are free, and a success forgives them.
 * - One account from all addresses that are new to it: `perAccount` a day. So many addresses guess no more than one
 *   does, and one address alone cannot use up what the others have.
 * - One address at all accounts: `perAddress` an hour; wide, since a class may be behind it.
 *
 * An address from which an account has logged in within 30 days is not new to it, and only the first limit counts there:
 * strangers elsewhere cannot keep the owner out. From a new address they can, while they go on and five minutes longer;
 * so can whoever shares the address. Beyond the free failures there is one attempt every five minutes, about 300 a day.
 *
 * The waits, the known addresses and the forgiving are among what NIST SP 800-63B suggests for rate limiting. Its hard
 * stop after a hundred failures is left out: with it, anybody could lock anybody's account.
 */
export class Guesses {
  readonly #ofPair: FailureLimit
  readonly #ofAccount: FailureLimit
  readonly #ofAddress: FailureLimit
  readonly #known: Counter
  readonly #inFlight = new InFlight()

  constructor({ perAccount, perAddress }: GuessLimits, createCounter: CreateCounter) {
    const limit = (name: string, free: number, memory: number) =>
      new FailureLimit({ name, free, memory, createCounter })
    this.#ofPair = limit('account-and-address', Math.ceil(perAccount / 2), DAY)
    this.#ofAccount = limit('account', perAccount, DAY)
    this.#ofAddress = limit('address', perAddress, HOUR)
    this.#known = createCounter('known', 1, 30 * DAY)
  }

  /**
   * Lets one attempt at a password be made, or throws a 429. `guess` answers with `undefined` where it was wrong, and
   * that alone is counted. `account` is the same text for each way to write its name, whether it exists or not.
   * `onWait` is called when the attempt has to wait for others first.
   */
  async attempt<T>(
    account: string,
    address: string,
    guess: () => Promise<T | undefined>,
    onWait: () => void = () => {},
  ): Promise<T | undefined> {
    // No email stands in a key.
    const accountKey = createHash('sha256').update(account).digest('base64url')
    const pair = `${accountKey}:${address}`
    const isKnown = (await this.#known.get(pair)) !== null
    const wanted: Wanted[] = [
      { limit: this.#ofPair, key: pair },
      ...(isKnown
        ? []
        : [
            { limit: this.#ofAddress, key: address },
            { limit: this.#ofAccount, key: accountKey },
          ]),
    ]

    const taken = await this.#enter(wanted, onWait)
    try {
      const result = await guess()
      if (result !== undefined) {
        await taken[0]?.place.forgive()
        for (const { place } of taken.slice(1)) await place.giveBack()
        await this.#known.set(pair, 1, 30 * DAY)
      }
      return result
    } catch (error) {
      for (const { place } of taken) await place.giveBack()
      throw error
    } finally {
      for (const { id } of taken) this.#inFlight.leave(id)
    }
  }

  /** One that is refused for others under way waits for what becomes of them: right ones do not count. */
  async #enter(wanted: Wanted[], onWait: () => void): Promise<Taken[]> {
    for (;;) {
      const taken = await this.#takeAll(wanted)
      if (Array.isArray(taken)) return taken
      const { id, ms } = taken
      if (!this.#inFlight.has(id)) throw tooManyFailures(ms)
      if (this.#inFlight.waiting >= MAX_WAITING) {
        throw new Problem(
          'OVERLOADED',
          'Too many log-ins of one account, or from one address, are under way.',
          {
            headers: { 'retry-after': '1' },
          },
        )
      }
      onWait()
      await this.#inFlight.change(id)
    }
  }

  async #takeAll(wanted: Wanted[]): Promise<Taken[] | Refused> {
    const taken: Taken[] = []
    for (const { limit, key } of wanted) {
      const id = `${limit.name} ${key}`
      const place = await limit.take(key)
      if (typeof place === 'number') {
        for (const one of taken) {
          await one.place.giveBack()
          this.#inFlight.leave(one.id)
        }
        return { id, ms: place }
      }
      this.#inFlight.enter(id)
      taken.push({ id, place })
    }
    return taken
  }
}

interface Wanted {
  limit: FailureLimit
  key: string
}

interface Taken {
  id: string
  place: Place
}

interface Refused {
  id: string
  ms: number
}

function tooManyFailures(ms: number): Problem {
  return new Problem('TOO_MANY_REQUESTS', 'Too many passwords were wrong. Wait before you try again.', {
    headers: { 'retry-after': String(Math.ceil(ms / 1000)) },
  })
}
