import { STATUS_CODES } from 'node:http'

/** Every error that the service answers with: its code, and the HTTP status that goes with it. */
export const PROBLEMS = Object.freeze({
  MALFORMED_REQUEST: 400,
  NOT_AUTHENTICATED: 401,
  TOKEN_INVALID: 401,
  INVALID_CREDENTIALS: 403,
  NOT_OWNER: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  CONFLICT: 409,
  EMAIL_TAKEN: 409,
  ALREADY_VOTED: 409,
  PAYLOAD_TOO_LARGE: 413,
  URI_TOO_LONG: 414,
  UNSUPPORTED_MEDIA_TYPE: 415,
  VALIDATION_FAILED: 422,
  TOO_MANY_REQUESTS: 429,
  INTERNAL: 500,
  OVERLOADED: 503,
  DATABASE_UNAVAILABLE: 503,
  COMMIT_OUTCOME_UNKNOWN: 503,
})

export type ProblemCode = keyof typeof PROBLEMS

/** The challenge that goes with `TOKEN_INVALID`: RFC 6750, section 3. */
export const INVALID_TOKEN = Object.freeze({ 'www-authenticate': 'Bearer error="invalid_token"' })

/** Where in a request a value was that failed validation, and what was expected of it. */
export interface InvalidValue {
  in: string
  path: string
  message: string
}

/** RFC 9457's members, and the service's own. */
export interface ProblemDocument {
  type: string
  title: string
  status: number
  detail: string
  code: ProblemCode
  instance: string
  errors?: InvalidValue[]
}

/** Throw it anywhere in a request: the error handler answers with its problem document. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly errors: InvalidValue[] | undefined

  constructor(
    code: ProblemCode,
    detail: string,
    options: { headers?: Record<string, string>; errors?: InvalidValue[]; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause })
    this.code = code
    this.statusCode = PROBLEMS[code]
    this.headers = options.headers ?? {}
    this.errors = options.errors
  }

  toDocument(requestId: string): ProblemDocument {
    return {
      type: `/guide/errors/${this.code}`,
      title: STATUS_CODES[this.statusCode] ?? this.code,
      status: this.statusCode,
      detail: this.message,
      code: this.code,
      instance: requestId,
      ...(this.errors && { errors: this.errors }),
    }
  }
}
