import { isObject } from './encoding.ts'
import { JwtKitError } from './errors.ts'

/**
 * A length of time with its unit: a whole number and `s`, `m`, `h` or `d`, as in `'30m'`. A bare number is refused, because
 * libraries disagree on its unit.
 */
export type Duration = string

/** The longest lifetime that a token can be given, and can claim to have: 90 days. */
export const LONGEST_LIFE: Duration = '90d'

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/**
 * Returns the seconds in a {@link Duration}.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` if it has no unit, or is out of bounds.
 */
export function readSeconds(
  option: string,
  value: unknown,
  bounds: { min: Duration; max: Duration },
): number {
  const [min, max] = [parse(bounds.min), parse(bounds.max)]
  const length = typeof value === 'string' ? parse(value) : Number.NaN
  if (length >= min && length <= max) return length
  throw new JwtKitError(
    'JWT_KIT_OPTIONS',
    `Expected \`${option}\` to be a duration from ${bounds.min} to ${bounds.max}, got ${describe(value)}`,
    { hint: `Write a whole number and a unit (s, m, h, d), as in '30m'.` },
  )
}

function parse(text: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text)
  return match ? Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS] : Number.NaN
}

function describe(value: unknown): string {
  if (typeof value === 'string')
    return Number.isNaN(parse(value)) ? 'a string of another form' : 'one outside of these bounds'
  return value === null ? 'null' : `a value of type ${typeof value}`
}

/**
 * Checks that options are an object, or undefined, and that all have known names.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS`
 */
export function checkOptionNames(owner: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return
  const hint = known.length === 0 ? 'It has no options.' : `Its options are ${known.join(', ')}.`
  if (!isObject(options)) {
    throw new JwtKitError('JWT_KIT_OPTIONS', `Expected the options of ${owner} to be an object`, { hint })
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new JwtKitError('JWT_KIT_OPTIONS', `Unknown option \`${unknown}\` of ${owner}`, { hint })
}
