import { randomUUID } from 'node:crypto'
import { JwtKitError } from './errors.ts'
import { Keyring } from './keyring.ts'
import type { Claims, TokenKind } from './kind.ts'
import { checkOptionNames, type Duration, readSeconds } from './option-checks.ts'

/** The most bytes that a payload can have. */
export const MAX_PAYLOAD_BYTES = 4096
/** The most characters that a token can have. A longer one is refused before any of it is read. */
export const MAX_TOKEN_LENGTH = 8192

/** The kinds of token of a kit, by name. */
export type Kinds = Readonly<Record<string, TokenKind>>

/** The claims of a token and the name of its kind, such that checking `kind` narrows `claims`. */
export type RevokedArguments<K extends Kinds> = {
  [N in keyof K & string]: [claims: Claims<K[N]['claims']>, kind: N]
}[keyof K & string]

/** A `revoked` that looks at the kind. */
export type RevokedByKind<K extends Kinds> = (...args: RevokedArguments<K>) => boolean | Promise<boolean>

/** A `revoked` that treats all kinds alike. TypeScript needs a type of its own for a function with fewer parameters. */
export type RevokedForAll<K extends Kinds> = (
  claims: Claims<K[keyof K & string]['claims']>,
) => boolean | Promise<boolean>

/** The options of {@link jwtKit}. */
export interface JwtKitOptions<K extends Kinds, Revoked = RevokedByKind<K>> {
  /** The issuer of the tokens (`iss`): a URL, or a name. */
  readonly issuer: string
  /** The audience of the tokens (`aud`). Without one, a token that has an audience is refused. */
  readonly audience?: string
  /** The keys that sign and verify. `kit.replaceKeys` replaces them later. */
  readonly keys: Keyring
  /** The kinds of token, by the names that they get on the kit. */
  readonly kinds: K
  /**
   * Returns true if a token was revoked that is good in every other way. It is called last. Checking `kind` narrows `claims`.
   * If it throws, or returns neither true nor false, the token is not accepted, and the response is a 503.
   */
  readonly revoked?: Revoked
  /** The time by which another machine's clock may be ahead, for `iat` and `nbf`: at most `'60s'`. @default '5s' */
  readonly clockTolerance?: Duration
  /** The time for which a token is still valid after its `exp`: at most `'60s'`. @default '0s' */
  readonly expiryTolerance?: Duration
  /** The clock, in milliseconds since the epoch. @default Date.now */
  readonly now?: () => number
  /** Returns a new token id (`jti`). @default crypto.randomUUID */
  readonly jti?: () => string
}

/** The options of a kit, checked and with the defaults filled in. */
export interface KitContext {
  readonly issuer: string
  readonly audience: string | undefined
  /** The current keys. They are read at each use, so `replaceKeys` takes effect with the next token. */
  keys: Keyring
  /** Seconds by which the clock of another machine may be ahead, for `iat` and `nbf`. */
  readonly clockTolerance: number
  /** Seconds for which a token is good after its `exp`. */
  readonly expiryTolerance: number
  readonly now: () => number
  readonly jti: () => string
}

const DEFAULTS = Object.freeze({
  clockTolerance: '5s',
  expiryTolerance: '0s',
  now: Date.now,
  jti: randomUUID,
})

const NAMES = ['issuer', 'audience', 'keys', 'kinds', 'revoked', ...Object.keys(DEFAULTS)]

const TOLERANCE = { min: '0s', max: '60s' }

/** Names that a kit or JavaScript uses for something else. */
const RESERVED_NAMES = new Set([
  'explain',
  'jwks',
  'replaceKeys',
  'securitySchemes',
  'then',
  'toString',
  'toJSON',
  'constructor',
  'valueOf',
])

/**
 * Checks the options of a kit and fills in the defaults.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS`
 */
export function readKitOptions<K extends Kinds>(options: JwtKitOptions<K, unknown>): KitContext {
  checkOptionNames('jwtKit', options, NAMES)
  const { issuer, audience, keys, kinds, revoked, ...rest } = { ...DEFAULTS, ...options }
  expect(isText(issuer), 'issuer', 'text')
  expect(audience === undefined || isText(audience), 'audience', 'text')
  checkKeyring(keys)
  expect(revoked === undefined || typeof revoked === 'function', 'revoked', 'a function')
  expect(typeof rest.now === 'function', 'now', 'a function')
  expect(typeof rest.jti === 'function', 'jti', 'a function')
  const clockTolerance = readSeconds('clockTolerance', rest.clockTolerance, TOLERANCE)
  const expiryTolerance = readSeconds('expiryTolerance', rest.expiryTolerance, TOLERANCE)
  checkKinds(kinds, audience)
  return { issuer, audience, keys, now: rest.now, jti: rest.jti, clockTolerance, expiryTolerance }
}

/**
 * Checks that the keys of a kit are a keyring.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS`
 */
export function checkKeyring(keys: unknown): asserts keys is Keyring {
  expect(keys instanceof Keyring, 'keys', 'a keyring')
}

function checkKinds(kinds: Kinds, audience: string | undefined): void {
  const entries = Object.entries(kinds ?? {})
  expect(entries.length > 0, 'kinds', 'at least one kind of token')
  const types = new Set<string>()
  for (const [name, kind] of entries) {
    expect(
      /^[a-z][A-Za-z0-9]*$/.test(name) && !RESERVED_NAMES.has(name),
      'kinds',
      'under names in camel case that are not reserved',
    )
    expect(kind?.checks !== undefined, `kinds.${name}`, 'made by tokenKind')
    expect(!types.has(kind.typ), 'kinds', 'of different types')
    expect(!kind.rfc9068 || audience !== undefined, 'audience', 'given, because RFC 9068 requires it')
    types.add(kind.typ)
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function expect(holds: boolean, option: string, what: string): asserts holds {
  if (holds) return
  throw new JwtKitError('JWT_KIT_OPTIONS', `Expected \`${option}\` to be ${what}`, {
    hint: 'The README of jwt-kit describes the options of jwtKit.',
  })
}
