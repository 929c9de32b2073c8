import {
  type ClaimsSchema,
  type Duration,
  type FormatRegistry,
  JwtKitError,
  MAX_TOKEN_LENGTH,
} from '@auth-primer/jwt-kit'
import { REMOTE_ALGORITHMS, type RemoteAlgorithm } from './algorithms.ts'
import type { JwkSet } from './key-set.ts'
import { isObject, normalizeType } from './token.ts'

/** The options of {@link jwtRemote}: a provider and its tokens. */
export interface JwtRemoteOptions<C extends ClaimsSchema> {
  /** The issuer (`iss`), or all spellings that the provider uses, exactly as the tokens have it: with or without a final `/`. */
  readonly issuer: string | readonly string[]
  /**
   * The names that this service has as an audience (`aud`): a token for one of them is accepted. `false` for tokens without
   * an `aud`; one that has an `aud` is then rejected. Let the schema bind such tokens to your client instead.
   */
  readonly audience: string | readonly string[] | false
  /** The TypeBox schema of the claims that you read, without the registered ones (`iss aud exp iat nbf jti`). */
  readonly claims: C
  /**
   * The registry of TypeBox that has the formats of the claims: `FormatRegistry` of 0.34, `Format` of 1.x. It is needed if
   * TypeBox is not found by its name: in a bundle or in Jest.
   */
  readonly formats?: FormatRegistry
  /**
   * The address of the provider's key set: `jwks_uri` in its OpenID configuration. It must be `https:`, except on a loopback
   * address. Either this or `jwks` is required.
   */
  readonly jwksUri?: string
  /** The key set itself, if it does not change. Either this or `jwksUri` is required. */
  readonly jwks?: JwkSet
  /** The algorithms that are accepted. A key that names an `alg` is used only with that one. @default ['RS256'] */
  readonly algorithms?: readonly RemoteAlgorithm[]
  /**
   * The types that are accepted in the header (`typ`), without `application/`; `null` accepts a token that has none. Many
   * providers write `'JWT'` or nothing into all their tokens: list these if you ask for them, and let the schema or the
   * audience distinguish an access token from an ID token.
   * @default 'at+jwt'
   */
  readonly typ?: string | null | readonly (string | null)[]
  /** The clients to which tokens may have been issued (`azp`). If set, a token without `azp` is rejected. @default not checked */
  readonly authorizedParty?: string | readonly string[]
  /** The time by which the provider's clock may differ, for `exp`, `nbf` and `iat`: `'0s'` to `'5m'`. @default '5s' */
  readonly clockTolerance?: Duration
  /**
   * The longest token that is accepted, in characters: 1,000 to 262,144. Node itself accepts 16 KiB of headers per request
   * (`--max-http-header-size`).
   * @default 8192
   */
  readonly maxTokenLength?: number
  /** The time that a request for the key set may take, including its body: `'1s'` to `'60s'`. @default '5s' */
  readonly timeout?: Duration
  /** The least time between two requests for the key set, whatever tokens arrive: `'1s'` to `'1h'`. @default '30s' */
  readonly cooldown?: Duration
  /**
   * The time for which a fetched key set is used: `'1s'` to `'24h'`, at least `cooldown`. A key that the provider withdraws is accepted
   * for at most this long. From half of this time on, the set is refreshed in the background.
   * @default '10m'
   */
  readonly cacheMaxAge?: Duration
  /** The largest key set that is read, in bytes after decompression: 1,000 to 4,194,304. @default 262144 */
  readonly maxJwksBytes?: number
  /** The clock, in milliseconds since the epoch, for tokens and for the cache. @default Date.now */
  readonly now?: () => number
}

/** The options, checked and with the defaults filled in. Times are in seconds. */
export interface RemoteRules {
  readonly issuers: readonly string[]
  readonly audiences: readonly string[] | undefined
  readonly authorizedParties: readonly string[] | undefined
  readonly algorithms: readonly RemoteAlgorithm[]
  readonly typ: ReadonlySet<unknown>
  readonly clockTolerance: number
  readonly maxTokenLength: number
  readonly timeout: number
  readonly cooldown: number
  readonly cacheMaxAge: number
  readonly maxJwksBytes: number
  readonly now: () => number
  readonly jwksUri: string | undefined
  readonly jwks: JwkSet | undefined
}

const DEFAULTS = Object.freeze({
  jwksUri: undefined,
  jwks: undefined,
  algorithms: ['RS256'],
  typ: 'at+jwt',
  authorizedParty: undefined,
  clockTolerance: '5s',
  maxTokenLength: MAX_TOKEN_LENGTH,
  timeout: '5s',
  cooldown: '30s',
  cacheMaxAge: '10m',
  maxJwksBytes: 262_144,
  now: Date.now,
} satisfies { [N in keyof JwtRemoteOptions<ClaimsSchema>]?: unknown })

const NAMES = ['issuer', 'audience', 'claims', 'formats', ...Object.keys(DEFAULTS)]

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS`
 */
export function readOptions(given: unknown): RemoteRules {
  expect(isObject(given), 'the options of jwtRemote', 'an object')
  for (const name of Object.keys(given)) if (!NAMES.includes(name)) throw unknownOption(name)
  const defined = Object.entries(given).filter(([, value]) => value !== undefined)
  const options: Record<string, unknown> = { ...DEFAULTS, ...Object.fromEntries(defined) }
  const { audience, authorizedParty, jwksUri, jwks, now } = options
  expect((jwksUri === undefined) !== (jwks === undefined), '`jwksUri` or `jwks`', 'given, and not both')
  if (jwksUri !== undefined) expect(isSafeUrl(jwksUri), '`jwksUri`', SAFE_URL)
  expect(
    jwks === undefined || (isObject(jwks) && Array.isArray(jwks.keys)),
    '`jwks`',
    'an object with a list of `keys`',
  )
  expect(typeof now === 'function', '`now`', 'a function')
  const rules = {
    issuers: texts('issuer', options.issuer),
    audiences: audience === false ? undefined : texts('audience', audience, ', or false'),
    authorizedParties: authorizedParty === undefined ? undefined : texts('authorizedParty', authorizedParty),
    algorithms: readAlgorithms(options.algorithms),
    typ: readTypes(options.typ),
    clockTolerance: seconds(options, 'clockTolerance', 0, 300),
    maxTokenLength: integer(options, 'maxTokenLength', 1000, 262_144),
    timeout: seconds(options, 'timeout', 1, 60),
    cooldown: seconds(options, 'cooldown', 1, 3600),
    cacheMaxAge: seconds(options, 'cacheMaxAge', 1, 86_400),
    maxJwksBytes: integer(options, 'maxJwksBytes', 1000, 4_194_304),
    now: now as () => number,
    jwksUri: jwksUri as string | undefined,
    jwks: jwks as JwkSet | undefined,
  }
  expect(rules.cacheMaxAge >= rules.cooldown, '`cacheMaxAge`', 'at least `cooldown`')
  return rules
}

/** Rejects an object, such as the options of jose, as an argument of a function without options. `map` passes an index. */
export function rejectOptions(owner: string, [options]: readonly unknown[]): void {
  if (!isObject(options)) return
  throw new JwtKitError('JWT_KIT_OPTIONS', `\`${owner}\` has no options`, { hint: 'Give them to jwtRemote.' })
}

function readAlgorithms(value: unknown): readonly RemoteAlgorithm[] {
  const isKnown = (alg: unknown) => REMOTE_ALGORITHMS.some((known) => known === alg)
  expect(
    Array.isArray(value) && value.length > 0 && value.every(isKnown),
    '`algorithms`',
    `a list of some of ${REMOTE_ALGORITHMS.join(', ')}`,
  )
  return [...(value as RemoteAlgorithm[])]
}

function readTypes(value: unknown): ReadonlySet<unknown> {
  const types: readonly unknown[] = Array.isArray(value) ? value : [value]
  expect(
    types.length > 0 && types.every((typ) => typ === null || isText(typ)),
    '`typ`',
    'text, null, or a list of them',
  )
  return new Set(types.map(normalizeType))
}

function texts(name: string, value: unknown, also = ''): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  expect(list.length > 0 && list.every(isText), `\`${name}\``, `text or a list of texts${also}`)
  return [...list] as string[]
}

const SAFE_URL = 'an https: address without a user name (http: only on a loopback address)'

function isSafeUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, hostname, username, password } = new URL(value)
  if (username !== '' || password !== '') return false
  // The parser has already written every form of such an address in the usual one.
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback)
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

function seconds(options: Record<string, unknown>, name: string, min: number, max: number): number {
  const match = /^(\d{1,9})([smhd])$/.exec(String(options[name]))
  const value = match ? Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS] : Number.NaN
  expect(
    typeof options[name] === 'string' && value >= min && value <= max,
    `\`${name}\``,
    `a duration with a unit, such as '30s', from ${min} to ${max} seconds`,
  )
  return value
}

function integer(options: Record<string, unknown>, name: string, min: number, max: number): number {
  const value = options[name]
  expect(
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
    `\`${name}\``,
    `a whole number from ${min} to ${max}`,
  )
  return value as number
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function unknownOption(name: string): JwtKitError {
  return new JwtKitError('JWT_KIT_OPTIONS', `jwtRemote has no option \`${name}\``, {
    hint: `Its options are ${NAMES.join(', ')}.`,
  })
}

function expect(holds: boolean, what: string, expected: string): asserts holds {
  if (holds) return
  throw new JwtKitError('JWT_KIT_OPTIONS', `Expected ${what} to be ${expected}`, {
    hint: 'The README of jwt-remote describes the options.',
  })
}
