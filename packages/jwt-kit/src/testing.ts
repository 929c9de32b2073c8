import { constants, createHmac, sign as signBytes } from 'node:crypto'
import { seconds } from './duration.ts'
import { JwtKitError } from './errors.ts'
import { type Keyring, keysOf, type RingKey } from './keyring.ts'
import { type KitKind, origins } from './kit-kind.ts'
import type { ClaimsOf, ClaimsSchema } from './schema.ts'

/** A clock that stands still until it is told otherwise. */
export interface TestClock {
  /** For the option `now` of a kit. */
  readonly now: () => number
  /** Sets it to a moment. */
  set(moment: Date | string): void
  /** Moves it on, as by `'30m'`. */
  advance(duration: string): void
}

/**
 * A clock for tests.
 *
 * @param start - where it stands. @default 2026-01-01T00:00:00Z
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
    set: (moment) => {
      now = read(moment)
    },
    advance: (duration) => {
      now += seconds('duration', duration, { min: '0s', max: '99999d' }) * 1000
    },
  }
}

function read(moment: Date | string): number {
  const time = new Date(moment).getTime()
  if (Number.isFinite(time)) return time
  throw new JwtKitError('JWT_KIT_OPTIONS', 'Expected a moment', {
    hint: `Write it as in '2026-01-01T00:00:00Z'.`,
  })
}

/** What is wrong with a forged token. Undefined as a value takes a member out; text instead of an object is used as it is. */
export interface Forgery {
  /** Members of the header. */
  readonly header?: Readonly<Record<string, unknown>> | string
  /** Members of the payload. */
  readonly claims?: Readonly<Record<string, unknown>> | string
  /** A ring whose first key signs instead. */
  readonly keys?: Keyring
  /** The signature, instead of a right one. */
  readonly signature?: string
}

/**
 * Signs a token as the kit would, but for what is told to be wrong with it: nothing is checked. For tests.
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
  const origin = origins.get(kind)
  if (origin === undefined) {
    throw new JwtKitError('JWT_KIT_OPTIONS', 'Expected a kind of a kit', { hint: 'Give it kit.<kind>.' })
  }
  const { context } = origin
  const ring = forgery.keys ?? context.keys
  const [key] = keysOf(ring).values() as Iterable<RingKey>
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
  return `${input}.${forgery.signature ?? rawSignature(ring.algorithm, key as RingKey, input)}`
}

function encode(right: object, wrong: Readonly<Record<string, unknown>> | string = {}): string {
  const json = typeof wrong === 'string' ? wrong : JSON.stringify({ ...right, ...wrong })
  return Buffer.from(json).toString('base64url')
}

function rawSignature(algorithm: string, key: RingKey, input: string): string {
  if (key.signs === undefined) {
    throw new JwtKitError('JWT_KIT_NO_SIGNING_KEY', 'The first key of the ring can only verify', {
      hint: 'Give the test a ring with a private key.',
    })
  }
  if (algorithm === 'HS256') return createHmac('sha256', key.signs).update(input).digest('base64url')
  const options =
    algorithm === 'PS256'
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      : { dsaEncoding: 'ieee-p1363' as const }
  return signBytes(algorithm === 'EdDSA' ? null : 'sha256', Buffer.from(input), {
    key: key.signs,
    ...options,
  }).toString('base64url')
}
