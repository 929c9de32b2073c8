import { digest, randomSalt } from './bcrypt.ts'
import { assertObject, invalidOption, rejectUnknown } from './errors.ts'

/** The options of {@link calibrate}. */
export interface CalibrateOptions {
  /** The time that one hash may take, in milliseconds. */
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
 * Returns the highest cost from 10 to 15 at which one hash of bcrypt takes at most `targetMs` on this machine; 10 if
 * none does.
 *
 * It measures cost 10 three times and takes the quickest; each step up doubles the time.
 *
 * @throws {AuthHashError} `AUTH_HASH_INVALID_OPTION`
 */
export async function calibrate(options: CalibrateOptions): Promise<number> {
  assertObject('options', options)
  const { targetMs, now = () => performance.now(), ...unknown } = options
  rejectUnknown('', unknown)
  if (typeof targetMs !== 'number' || !(targetMs > 0)) {
    throw invalidOption('targetMs', 'a number above 0', targetMs)
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
