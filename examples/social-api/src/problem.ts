import { STATUS_CODES } from 'node:http'

/**
 * Every error that a client can get: the HTTP status that goes with its code, and its `detail` unless it is thrown with another
 * one. `docs/errors` has a page for each.
 */
export const PROBLEMS = Object.freeze({
  MALFORMED_REQUEST: { status: 400, detail: 'The request is not valid HTTP (RFC 9112).' },
  NOT_AUTHENTICATED: { status: 401, detail: 'There is no bearer token' },
  TOKEN_INVALID: { status: 401, detail: 'The access token is invalid' },
  INVALID_CREDENTIALS: { status: 403, detail: 'Invalid Credentials' },
  NOT_OWNER: { status: 403, detail: 'You may change only your own posts.' },
  NOT_FOUND: { status: 404, detail: 'No post has the id 4711.' },
  METHOD_NOT_ALLOWED: { status: 405, detail: 'PATCH is not allowed. Allowed: GET, HEAD, POST.' },
  REQUEST_TIMEOUT: { status: 408, detail: 'The request took too long to arrive.' },
  CONFLICT: { status: 409, detail: 'Another request changed the same data first. Read it, and try again.' },
  EMAIL_TAKEN: { status: 409, detail: 'Another user has signed up with this email.' },
  ALREADY_VOTED: { status: 409, detail: 'You have already voted for post 4.' },
  PAYLOAD_TOO_LARGE: { status: 413, detail: 'Request body is too large' },
  URI_TOO_LONG: { status: 414, detail: 'The request target is too long.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, detail: 'Compressed bodies are not supported.' },
  VALIDATION_FAILED: { status: 422, detail: 'A query key was given more than once.' },
  TOO_MANY_REQUESTS: { status: 429, detail: 'Too many requests from your IP address.' },
  HEADERS_TOO_LARGE: { status: 431, detail: 'The request headers are too large.' },
  INTERNAL: { status: 500, detail: 'The service failed. The request is not the cause; try again later.' },
  OVERLOADED: { status: 503, detail: 'The service is overloaded. Try again in a moment.' },
  DATABASE_UNAVAILABLE: { status: 503, detail: 'The database does not respond. Try again in a moment.' },
  COMMIT_OUTCOME_UNKNOWN: {
    status: 503,
    detail:
      'The database connection was lost during the commit. The change may or may not be stored: check before you try again.',
  },
})

export type ProblemCode = keyof typeof PROBLEMS

/** One value that failed validation: the part of the request it is in, its JSON Pointer, and what was expected. */
export interface InvalidValue {
  in: string
  path: string
  message: string
}

interface ProblemOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly errors?: InvalidValue[]
  readonly cause?: unknown
}

/** Throw it anywhere in a request: the error handler sends its problem document. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly errors: InvalidValue[] | undefined

  constructor(code: ProblemCode, detail = PROBLEMS[code].detail, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause })
    this.code = code
    this.statusCode = PROBLEMS[code].status
    this.headers = options.headers ?? {}
    this.errors = options.errors
  }

  /** The members of RFC 9457, and the service's own. */
  toDocument(requestId: string) {
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
