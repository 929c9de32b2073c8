/** The codes that this package adds to those of jwt-kit. Both are a 503. Each has a page `docs/errors/<CODE>.md`. */
export const REMOTE_ERROR_CODES = ['JWT_REMOTE_UNAVAILABLE', 'JWT_REMOTE_INVALID_JWKS'] as const

/**
 * The `code` of a {@link JwtRemoteError}.
 *
 * @useDeclaredType
 */
export type JwtRemoteErrorCode = (typeof REMOTE_ERROR_CODES)[number]

/** The parts of a {@link JwtRemoteError} other than its code and its message. */
export interface JwtRemoteErrorDetails {
  /** The way to fix it. */
  readonly hint: string
  /** Seconds until the keys are fetched again. */
  readonly retryAfter: number
  /** The error that led to it. */
  readonly cause?: unknown
}

/**
 * The provider's keys are not available, so a token can be neither accepted nor rejected. The response is a 503: the client
 * did nothing wrong, and may try again. A rejected token is a `JwtKitError` instead.
 */
export class JwtRemoteError extends Error {
  /** Distinguishes the cases. */
  readonly code: JwtRemoteErrorCode
  /** The HTTP status of the response. Fastify and Express read it. */
  readonly statusCode = 503
  /** The way to fix it. */
  readonly hint: string
  /** `Retry-After` in seconds: when the keys are fetched again. Fastify and Express add it to the response. */
  readonly headers: Readonly<Record<string, string>>

  constructor(code: JwtRemoteErrorCode, message: string, details: JwtRemoteErrorDetails) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.hint = details.hint
    this.headers = Object.freeze({ 'retry-after': String(details.retryAfter) })
  }
}
Object.defineProperty(JwtRemoteError.prototype, 'name', { value: 'JwtRemoteError' })
