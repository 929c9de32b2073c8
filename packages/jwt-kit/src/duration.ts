import { JwtKitError } from './errors.ts'

/**
 * A length of time with its unit: a whole number and `s`, `m`, `h` or `d`, as `'30m'`. A bare number is refused, since
 * libraries disagree on its unit.
 */
export type Duration = string

/** The longest life a token may be given, and may claim to have: 90 days. */
export const LONGEST_LIFE: Duration = '90d'

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/**
 * The seconds in a {@link Duration}.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` where there is no unit, or it is outside of the bounds.
 */
export function seconds(option: string, value: unknown, bounds: { min: Duration; max: Duration }): number {
  const [min, max] = [count(bounds.min), count(bounds.max)]
  const length = typeof value === 'string' ? count(value) : Number.NaN
  if (length >= min && length <= max) return length
  throw new JwtKitError(
    'JWT_KIT_OPTIONS',
    `Expected \`${option}\` to be a duration from ${bounds.min} to ${bounds.max}, got ${kindOf(value)}`,
    { hint: `Write a whole number and a unit (s, m, h, d), as in '30m'.` },
  )
}

function count(text: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text)
  return match ? Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS] : Number.NaN
}

function kindOf(value: unknown): string {
  if (typeof value === 'string')
    return Number.isNaN(count(value)) ? 'a string of another form' : 'one outside of them'
  return value === null ? 'null' : `a value of type ${typeof value}`
}
