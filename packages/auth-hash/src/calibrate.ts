import { digest, randomSalt } from './bcrypt.ts'
import { AuthHashError, kindOf } from './errors.ts'

/** What {@link calibrate} is told. */
export interface CalibrateOptions {
  /** How long one hash may take, in milliseconds. */
  readonly targetMs: number
  /**
   * The clock, in milliseconds.
   * @default performance.now
   */
  readonly now?: () => number
}

/** The costs to choose from. */
const LEAST = 10
const MOST = 15

/**
 * The highest cost from 10 to 15 at which one hash on this machine takes `targetMs` at most; 10 where none does.
 *
 * Measured at cost 10, three times, of which the quickest counts; one step up doubles the time.
 *
 * @throws {AuthHashError} `AUTH_HASH_INVALID_OPTION`
 */
export async function calibrate({
  targetMs,
  now = () => performance.now(),
}: CalibrateOptions): Promise<number> {
  if (typeof targetMs !== 'number' || !(targetMs > 0)) {
    throw new AuthHashError(
      'AUTH_HASH_INVALID_OPTION',
      `Expected \`targetMs\` to be a number above 0, got ${kindOf(targetMs)}`,
    )
  }
  const salt = randomSalt()
  let quickest = Number.POSITIVE_INFINITY
  for (let run = 0; run < 3; run += 1) {
    const start = now()
    await digest(Buffer.alloc(0), salt, LEAST)
    quickest = Math.min(quickest, now() - start)
  }
  const steps = Math.floor(Math.log2(targetMs / quickest))
  return Math.max(LEAST, Math.min(MOST, LEAST + steps))
}
