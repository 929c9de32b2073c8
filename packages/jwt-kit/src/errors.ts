/** The reasons for which `verify` refuses a token. All are a 401. */
export const TOKEN_CODES = [
  'JWT_KIT_MALFORMED',
  'JWT_KIT_TOO_LARGE',
  'JWT_KIT_ALGORITHM',
  'JWT_KIT_WRONG_KIND',
  'JWT_KIT_HEADER',
  'JWT_KIT_UNKNOWN_KEY',
  'JWT_KIT_RETIRED_KEY',
  'JWT_KIT_SIGNATURE',
  'JWT_KIT_WRONG_ISSUER',
  'JWT_KIT_WRONG_AUDIENCE',
  'JWT_KIT_EXPIRED',
  'JWT_KIT_NOT_YET_VALID',
  'JWT_KIT_CLAIMS',
  'JWT_KIT_REVOKED',
] as const

/** The errors that a client gets from a guard. The reason is in `cause`, for the log. */
export const REQUEST_CODES = [
  'JWT_KIT_NO_CREDENTIALS',
  'JWT_KIT_INVALID_REQUEST',
  'JWT_KIT_INVALID_TOKEN',
  'JWT_KIT_REVOCATION_UNAVAILABLE',
] as const

/** The mistakes in the service's own code or configuration. All are a 500. */
export const SETUP_CODES = [
  'JWT_KIT_OPTIONS',
  'JWT_KIT_KEY',
  'JWT_KIT_SENSITIVE_CLAIM',
  'JWT_KIT_NO_SIGNING_KEY',
  'JWT_KIT_SIGN_CLAIMS',
  'JWT_KIT_SIGN_TOO_LARGE',
  'JWT_KIT_NOT_GUARDED',
] as const

/** Every code there is. Each has a page `docs/errors/<CODE>.md`. */
export const ERROR_CODES = [...TOKEN_CODES, ...REQUEST_CODES, ...SETUP_CODES] as const

/**
 * A reason for which a token is refused.
 *
 * @useDeclaredType
 */
export type TokenErrorCode = (typeof TOKEN_CODES)[number]
/**
 * An error that a client gets.
 *
 * @useDeclaredType
 */
export type RequestErrorCode = (typeof REQUEST_CODES)[number]
/**
 * A mistake in the service's own code or configuration.
 *
 * @useDeclaredType
 */
export type SetupErrorCode = (typeof SETUP_CODES)[number]
/** The `code` of a {@link JwtKitError}: a union, so that a `switch` narrows. */
export type JwtKitErrorCode = TokenErrorCode | RequestErrorCode | SetupErrorCode

/** The part of a token that is at fault; `token` if it is the whole. */
export type TokenPart = 'token' | 'header' | 'payload' | 'signature'

/** The details of a {@link JwtKitError}, besides its code and its message. */
export interface JwtKitErrorDetails {
  /** The way to fix it. */
  readonly hint: string
  /** The part at fault. */
  readonly part?: TokenPart
  /** The name of the claim at fault. */
  readonly claim?: string
  /** The error that led to this one. */
  readonly cause?: unknown
}

/**
 * The only error class of this package. `message` says what is wrong, `hint` says how to fix it, and `code` distinguishes the
 * cases. No message, hint or property contains a token, a key or the value of a claim.
 */
export class JwtKitError extends Error {
  /** Distinguishes the cases. */
  readonly code: JwtKitErrorCode
  /** The HTTP status for the response: 400, 401, 500 or 503. Fastify and Express read it. */
  readonly statusCode: number
  /** The way to fix it. */
  readonly hint: string
  /** The part of the token at fault. */
  declare readonly part?: TokenPart
  /** The name of the claim at fault. */
  declare readonly claim?: string
  /** The reason for `JWT_KIT_INVALID_TOKEN`. It is for the log, and not for the client. */
  declare readonly reason?: JwtKitErrorCode
  /**
   * The value of `WWW-Authenticate` (RFC 6750 §3), if the status needs one. It distinguishes only an expired token from any
   * other bad one: which check failed is for the log.
   */
  declare readonly challenge?: string
  /** The challenge as headers. The default error handlers of Fastify and Express set them on the response. */
  declare readonly headers?: Readonly<Record<string, string>>

  constructor(code: JwtKitErrorCode, message: string, details: JwtKitErrorDetails) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.statusCode = chooseStatus(code)
    this.hint = details.hint
    if (details.part !== undefined) this.part = details.part
    if (details.claim !== undefined) this.claim = details.claim
    if (details.cause instanceof JwtKitError) this.reason = details.cause.code
    const challenge = chooseChallenge(this.reason ?? code)
    if (challenge !== undefined) {
      this.challenge = challenge
      this.headers = Object.freeze({ 'www-authenticate': challenge })
    }
  }
}
Object.defineProperty(JwtKitError.prototype, 'name', { value: 'JwtKitError' })

const setupCodes: ReadonlySet<string> = new Set(SETUP_CODES)

function chooseStatus(code: JwtKitErrorCode): number {
  if (setupCodes.has(code)) return 500
  if (code === 'JWT_KIT_INVALID_REQUEST') return 400
  return code === 'JWT_KIT_REVOCATION_UNAVAILABLE' ? 503 : 401
}

function chooseChallenge(code: JwtKitErrorCode): string | undefined {
  if (code === 'JWT_KIT_NO_CREDENTIALS') return 'Bearer'
  if (code === 'JWT_KIT_INVALID_REQUEST') {
    return 'Bearer error="invalid_request", error_description="The Authorization header is malformed"'
  }
  if (chooseStatus(code) !== 401) return undefined
  const description = code === 'JWT_KIT_EXPIRED' ? 'The access token expired' : 'The access token is invalid'
  return `Bearer error="invalid_token", error_description="${description}"`
}
