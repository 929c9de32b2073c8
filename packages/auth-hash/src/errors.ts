/**
 * What went wrong, as a stable name. Each has a page of its own in `docs/errors/`.
 */
export type AuthHashErrorCode =
  | 'AUTH_HASH_INVALID_ARGUMENT'
  | 'AUTH_HASH_INVALID_OPTION'
  | 'AUTH_HASH_MALFORMED_HASH'
  | 'AUTH_HASH_OVERLOADED'
  | 'AUTH_HASH_PASSWORD_HAS_NUL'
  | 'AUTH_HASH_PASSWORD_NOT_UNICODE'
  | 'AUTH_HASH_PASSWORD_TOO_LONG'
  | 'AUTH_HASH_SELF_TEST_FAILED'

/**
 * Every error this package throws. Its message never holds a password, a hash or a key.
 */
export class AuthHashError extends Error {
  /** Tells it from other errors in a log. */
  override readonly name = 'AuthHashError'
  /** Tells the cases apart. */
  readonly code: AuthHashErrorCode

  constructor(code: AuthHashErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Thrown at once, before any work, when the queue is full.
 */
export class OverloadedError extends AuthHashError {
  /** The one case it stands for. */
  declare readonly code: 'AUTH_HASH_OVERLOADED'
  /** When to come back, in whole seconds: what HTTP calls `Retry-After`. */
  readonly retryAfter: number

  constructor(retryAfter: number) {
    super('AUTH_HASH_OVERLOADED', `Too many passwords are waiting to be hashed; try again in ${retryAfter} s`)
    this.retryAfter = retryAfter
  }
}

/** The kind of a value, for messages that must not show the value itself. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'undefined'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
