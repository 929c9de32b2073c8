import { ALGORITHM_SPECS } from './algorithms.ts'
import { type KitKind, kindContexts } from './bound-kind.ts'
import { JwtKitError } from './errors.ts'
import { type Keyring, type RingKey, readRingKeys } from './keyring.ts'
import { checkOptionNames, readSeconds } from './option-checks.ts'
import type { ClaimsOf, ClaimsSchema } from './schema.ts'

/** A clock that stands still until a test moves it. */
export interface TestClock {
  /** The clock to pass as the option `now` of a kit. */
  readonly now: () => number
  /** Sets it to a time. */
  set(time: Date | string): void
  /** Moves it forward by a duration, such as `'30m'`. */
  advance(duration: string): void
}

/**
 * Creates a clock for tests.
 *
 * @param start - its first time. @default 2026-01-01T00:00:00Z
 *
 * @example
 * ```js
 * import { testClock } from '@auth-primer/jwt-kit/testing'
 *
 * const clock = testClock('2026-11-22T12:00:00Z')
 * clock.advance('30m')
 * console.log(new Date(clock.now()).toISOString()) // 2026-11-22T12:30:00.000Z
 * ```
 */
export function testClock(start: Date | string = '2026-01-01T00:00:00Z'): TestClock {
  let now = read(start)
  return {
    now: () => now,
    set: (time) => {
      now = read(time)
    },
    advance: (duration) => {
      now += readSeconds('duration', duration, { min: '0s', max: '99999d' }) * 1000
    },
  }
}

function read(value: Date | string): number {
  const time = new Date(value).getTime()
  if (Number.isFinite(time)) return time
  throw new JwtKitError('JWT_KIT_OPTIONS', 'Expected a time', {
    hint: `Write it as in '2026-01-01T00:00:00Z'.`,
  })
}

/** The mistakes of a forged token. The value undefined removes a member; text instead of an object is used as it is. */
export interface Forgery {
  /** Members of the header. */
  readonly header?: Readonly<Record<string, unknown>> | string
  /** Members of the payload. */
  readonly claims?: Readonly<Record<string, unknown>> | string
  /** A ring whose first key signs instead of the kit's. */
  readonly keys?: Keyring
  /** The signature, instead of a good one. */
  readonly signature?: string
}

/**
 * Signs a token as the kit does, but with the given mistakes, and without any check. For tests.
 *
 * @example
 * ```js
 * import { randomBytes } from 'node:crypto'
 * import { Type } from '@sinclair/typebox'
 * import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
 * import { forge } from '@auth-primer/jwt-kit/testing'
 *
 * const keys = keyring('HS256', [{ kid: '2026-11', key: randomBytes(32) }])
 * const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) })
 * const kit = jwtKit({ issuer: 'https://auth.shop.example', keys, kinds: { access } })
 * const token = forge(kit.access, { sub: '7' }, { header: { alg: 'none' } })
 * console.log(await kit.access.verify(token).catch((error) => error.code)) // JWT_KIT_ALGORITHM
 * ```
 */
export function forge<C extends ClaimsSchema>(
  kind: KitKind<C>,
  claims: ClaimsOf<C>,
  forgery: Forgery = {},
): string {
  checkOptionNames('forge', forgery, ['header', 'claims', 'keys', 'signature'])
  const origin = kindContexts.get(kind)
  if (origin === undefined) {
    throw new JwtKitError('JWT_KIT_OPTIONS', 'Expected a kind of a kit', { hint: 'Give it kit.<kind>.' })
  }
  const { context } = origin
  const ring = forgery.keys ?? context.keys
  const [key] = readRingKeys(ring).values() as Iterable<RingKey>
  const iat = Math.floor(context.now() / 1000)
  const registered = {
    iss: context.issuer,
    aud: context.audience,
    iat,
    exp: iat + origin.kind.ttl,
    jti: context.jti(),
  }
  const header = encode({ alg: ring.algorithm, typ: kind.typ, kid: (key as RingKey).kid }, forgery.header)
  const input = `${header}.${encode({ ...(claims as object), ...registered }, forgery.claims)}`
  return `${input}.${forgery.signature ?? signInput(ring, key as RingKey, input)}`
}

function encode(good: object, wrong: Readonly<Record<string, unknown>> | string = {}): string {
  const json = typeof wrong === 'string' ? wrong : JSON.stringify({ ...good, ...wrong })
  return Buffer.from(json).toString('base64url')
}

function signInput({ algorithm }: Keyring, key: RingKey, input: string): string {
  if (key.signingKey !== undefined) return ALGORITHM_SPECS[algorithm].createSigner(key.signingKey)(input)
  throw new JwtKitError('JWT_KIT_NO_SIGNING_KEY', 'The first key of the ring can only verify', {
    hint: 'Give the test a ring with a private key.',
  })
}
