import { randomUUID } from 'node:crypto'
import type { KitContext } from './context.ts'
import { type Duration, seconds } from './duration.ts'
import { JwtKitError } from './errors.ts'
import { Keyring } from './keyring.ts'
import type { Claims, TokenKind } from './kind.ts'

/** The kinds of token of a kit, by the names that the kit has them under. */
export type Kinds = Readonly<Record<string, TokenKind>>

/** What a kit is made of. */
export interface JwtKitOptions<K extends Kinds> {
  /** Who issues the tokens (`iss`): a URL, or a name. */
  readonly issuer: string
  /** Whom the tokens are for (`aud`). Without one, a token that has an audience is refused. */
  readonly audience?: string
  /** What signs and verifies. */
  readonly keys: Keyring
  /** The kinds of token, by the names that the kit shall have them under. */
  readonly kinds: K
  /**
   * Whether a token that is good in every other way was revoked. Asked last. Where it throws, or answers neither true nor
   * false, the token is not accepted and the request is answered with a 503.
   */
  readonly revoked?: (
    claims: Claims<K[keyof K]['claims']>,
    kind: keyof K & string,
  ) => boolean | Promise<boolean>
  /** How far ahead another machine's clock may be, for `iat` and `nbf`: at most `'60s'`. @default '5s' */
  readonly clockTolerance?: Duration
  /** How long a token is still good after its `exp`: at most `'60s'`. @default '0s' */
  readonly expiryTolerance?: Duration
  /** The clock, in milliseconds since the epoch. @default Date.now */
  readonly now?: () => number
  /** Where token ids (`jti`) come from. @default crypto.randomUUID */
  readonly jti?: () => string
}

const DEFAULTS = Object.freeze({
  clockTolerance: '5s',
  expiryTolerance: '0s',
  now: Date.now,
  jti: randomUUID,
})

const TOLERANCE = { min: '0s', max: '60s' }

/** Names that a kit has for something else, or that JavaScript does. */
const TAKEN = new Set([
  'plugin',
  'explain',
  'jwks',
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
export function readOptions<K extends Kinds>(options: JwtKitOptions<K>): KitContext {
  const { issuer, audience, keys, kinds, revoked, ...rest } = { ...DEFAULTS, ...options }
  expect(isText(issuer), 'issuer', 'text')
  expect(audience === undefined || isText(audience), 'audience', 'text')
  expect(keys instanceof Keyring, 'keys', 'a keyring')
  expect(revoked === undefined || typeof revoked === 'function', 'revoked', 'a function')
  expect(typeof rest.now === 'function', 'now', 'a function')
  expect(typeof rest.jti === 'function', 'jti', 'a function')
  const clockTolerance = seconds('clockTolerance', rest.clockTolerance, TOLERANCE)
  const expiryTolerance = seconds('expiryTolerance', rest.expiryTolerance, TOLERANCE)
  checkKinds(kinds, audience)
  return { issuer, audience, keys, now: rest.now, jti: rest.jti, clockTolerance, expiryTolerance }
}

function checkKinds(kinds: Kinds, audience: string | undefined): void {
  const entries = Object.entries(kinds ?? {})
  expect(entries.length > 0, 'kinds', 'at least one kind of token')
  const types = new Set<string>()
  for (const [name, kind] of entries) {
    expect(
      /^[a-z][A-Za-z0-9]*$/.test(name) && !TAKEN.has(name),
      'kinds',
      'under names in camel case that are free',
    )
    expect(kind?.checks !== undefined, `kinds.${name}`, 'made by tokenKind')
    expect(!types.has(kind.typ), 'kinds', 'of different types')
    expect(!kind.rfc9068 || audience !== undefined, 'audience', 'there, since RFC 9068 demands it')
    types.add(kind.typ)
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function expect(holds: boolean, option: string, what: string): void {
  if (holds) return
  throw new JwtKitError('JWT_KIT_OPTIONS', `Expected \`${option}\` to be ${what}`, {
    hint: 'The options of jwtKit are described in its README.',
  })
}
