/**
 * The kind of an error, as a stable name. Each has its own page in `docs/errors/`.
 */
export type AuthHashErrorCode =
  | 'AUTH_HASH_ARGON2_UNAVAILABLE'
  | 'AUTH_HASH_BCRYPT_UNAVAILABLE'
  | 'AUTH_HASH_INVALID_ARGUMENT'
  | 'AUTH_HASH_INVALID_OPTION'
  | 'AUTH_HASH_MALFORMED_HASH'
  | 'AUTH_HASH_OVERLOADED'
  | 'AUTH_HASH_PASSWORD_HAS_NUL'
  | 'AUTH_HASH_PASSWORD_NOT_UNICODE'
  | 'AUTH_HASH_PASSWORD_TOO_LONG'
  | 'AUTH_HASH_SELF_TEST_FAILED'
  | 'AUTH_HASH_UNSUPPORTED_SCHEME'

/** The client sent a password that cannot be hashed. */
const BAD_REQUEST: ReadonlySet<AuthHashErrorCode> = new Set([
  'AUTH_HASH_INVALID_ARGUMENT',
  'AUTH_HASH_PASSWORD_HAS_NUL',
  'AUTH_HASH_PASSWORD_NOT_UNICODE',
  'AUTH_HASH_PASSWORD_TOO_LONG',
])

/**
 * Every error that this package throws. Its message never contains a password, a hash or a key.
 *
 * `statusCode` and `headers` are what the error handlers of Express, Fastify and others read.
 */
export class AuthHashError extends Error {
  /** Distinguishes it from other errors in a log. */
  override readonly name = 'AuthHashError'
  /** The kind of error. It is stable; the message is not. */
  readonly code: AuthHashErrorCode
  /** 400 for a password that cannot be hashed, 503 for overload, otherwise 500. */
  readonly statusCode: 400 | 500 | 503
  /** Headers for the response; `retry-after` for overload. */
  readonly headers: Readonly<Record<string, string>>

  constructor(code: AuthHashErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.statusCode = code === 'AUTH_HASH_OVERLOADED' ? 503 : BAD_REQUEST.has(code) ? 400 : 500
    this.headers = {}
  }
}

/**
 * Thrown before any work if the queue is full.
 */
export class OverloadedError extends AuthHashError {
  /** The kind of error: the queue is full. */
  declare readonly code: 'AUTH_HASH_OVERLOADED'
  /** The number of whole seconds after which to try again: the value of `Retry-After`. */
  readonly retryAfter: number
  override readonly headers: Readonly<Record<'retry-after', string>>

  constructor(retryAfter: number) {
    super('AUTH_HASH_OVERLOADED', `Too many passwords are waiting to be hashed; try again in ${retryAfter} s`)
    this.retryAfter = retryAfter
    this.headers = { 'retry-after': String(retryAfter) }
  }
}

/** Returns the kind of a value, for messages that must not show the value itself. */
export function describeKind(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'undefined'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

export function invalidOption(name: string, expected: string, value: unknown, kind = describeKind(value)) {
  return new AuthHashError('AUTH_HASH_INVALID_OPTION', `Expected \`${name}\` to be ${expected}, got ${kind}`)
}

export function assertObject(name: string, value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null) throw invalidOption(name, 'an object', value)
}

/** Throws if an options object has members other than those that were taken out of it. */
export function rejectUnknown(path: string, rest: object): void {
  const [name] = Object.keys(rest)
  if (name === undefined) return
  throw new AuthHashError('AUTH_HASH_INVALID_OPTION', `Unknown option \`${path}${name}\``)
}

/** Throws if a function that has no options gets some, as those of other packages do. An index, which `filter` passes, is ignored. */
export function rejectOptions(options: unknown): void {
  if (typeof options === 'object' && options !== null) rejectUnknown('', options)
}
