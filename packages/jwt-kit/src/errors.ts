/** What can be wrong with a token that was given to `verify`. All are a 401. */
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

/** What a guard answers a client with; the reason is in `cause`, for the log. */
export const REQUEST_CODES = [
  'JWT_KIT_NO_CREDENTIALS',
  'JWT_KIT_INVALID_REQUEST',
  'JWT_KIT_INVALID_TOKEN',
  'JWT_KIT_REVOCATION_UNAVAILABLE',
] as const

/** What is wrong with the service's own code or configuration. All are a 500. */
export const SETUP_CODES = [
  'JWT_KIT_OPTIONS',
  'JWT_KIT_KEY',
  'JWT_KIT_SENSITIVE_CLAIM',
  'JWT_KIT_NO_SIGNING_KEY',
  'JWT_KIT_SIGN_CLAIMS',
  'JWT_KIT_SIGN_TOO_LARGE',
  'JWT_KIT_NOT_GUARDED',
] as const

/** Every code there is, each with a page `docs/errors/<CODE>.md`. */
export const ERROR_CODES = [...TOKEN_CODES, ...REQUEST_CODES, ...SETUP_CODES] as const

/**
 * Why a token was refused.
 *
 * @useDeclaredType
 */
export type TokenErrorCode = (typeof TOKEN_CODES)[number]
/**
 * What a request is answered with.
 *
 * @useDeclaredType
 */
export type RequestErrorCode = (typeof REQUEST_CODES)[number]
/**
 * What is wrong with the set-up.
 *
 * @useDeclaredType
 */
export type SetupErrorCode = (typeof SETUP_CODES)[number]
/** The `code` of a {@link JwtKitError}: a union, so that a `switch` narrows. */
export type JwtKitErrorCode = TokenErrorCode | RequestErrorCode | SetupErrorCode

/** The part of a token that is at fault; `token` where it is the whole. */
export type TokenPart = 'token' | 'header' | 'payload' | 'signature'

/** What a {@link JwtKitError} is made of, besides its code and its sentence. */
export interface JwtKitErrorDetails {
  /** How to mend it. */
  readonly hint: string
  /** The part at fault. */
  readonly part?: TokenPart
  /** The claim at fault, by name. */
  readonly claim?: string
  /** What led to it. */
  readonly cause?: unknown
}

/**
 * The one error of this package. `message` is a sentence for a person, `hint` says how to mend it, `code` tells the cases
 * apart. No message, hint or property holds a token, a key or a claim's value.
 */
export class JwtKitError extends Error {
  /** Tells the cases apart. */
  readonly code: JwtKitErrorCode
  /** The HTTP status that answers it: 400, 401, 500 or 503. Fastify reads it. */
  readonly statusCode: number
  /** How to mend it. */
  readonly hint: string
  /** The part of the token at fault. */
  declare readonly part?: TokenPart
  /** The claim at fault, by name. */
  declare readonly claim?: string
  /** For `JWT_KIT_INVALID_TOKEN`: why the token was refused. For a log; a client is not told. */
  declare readonly reason?: JwtKitErrorCode
  /**
   * The value of `WWW-Authenticate` (RFC 6750 §3), where the status wants one. It tells an expired token from every other
   * one and nothing else: which check failed is for the log.
   */
  declare readonly challenge?: string
  /** The challenge as headers, which Fastify's default error handler sets on the reply. */
  declare readonly headers?: Readonly<Record<string, string>>

  constructor(code: JwtKitErrorCode, message: string, details: JwtKitErrorDetails) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.statusCode = statusOf(code)
    this.hint = details.hint
    if (details.part !== undefined) this.part = details.part
    if (details.claim !== undefined) this.claim = details.claim
    if (details.cause instanceof JwtKitError) this.reason = details.cause.code
    const challenge = challengeOf(this.reason ?? code)
    if (challenge !== undefined) {
      this.challenge = challenge
      this.headers = Object.freeze({ 'www-authenticate': challenge })
    }
  }
}
Object.defineProperty(JwtKitError.prototype, 'name', { value: 'JwtKitError' })

const setup: ReadonlySet<string> = new Set(SETUP_CODES)

function statusOf(code: JwtKitErrorCode): number {
  if (setup.has(code)) return 500
  if (code === 'JWT_KIT_INVALID_REQUEST') return 400
  return code === 'JWT_KIT_REVOCATION_UNAVAILABLE' ? 503 : 401
}

function challengeOf(code: JwtKitErrorCode): string | undefined {
  if (code === 'JWT_KIT_NO_CREDENTIALS') return 'Bearer'
  if (code === 'JWT_KIT_INVALID_REQUEST') {
    return 'Bearer error="invalid_request", error_description="The Authorization header is malformed"'
  }
  const status = statusOf(code)
  if (status !== 401) return undefined
  const description = code === 'JWT_KIT_EXPIRED' ? 'The access token expired' : 'The access token is invalid'
  return `Bearer error="invalid_token", error_description="${description}"`
}
