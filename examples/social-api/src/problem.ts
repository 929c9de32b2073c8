import { STATUS_CODES } from 'node:http'

/** Every error that a client can get: its code, and the HTTP status that goes with it. */
export const PROBLEM_STATUS = Object.freeze({
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
  HEADERS_TOO_LARGE: 431,
  INTERNAL: 500,
  OVERLOADED: 503,
  DATABASE_UNAVAILABLE: 503,
  COMMIT_OUTCOME_UNKNOWN: 503,
})

export type ProblemCode = keyof typeof PROBLEM_STATUS

/** The `detail` of a problem that is thrown without one, and of its example in the OpenAPI document. */
export const DEFAULT_DETAILS: Readonly<Record<ProblemCode, string>> = {
  MALFORMED_REQUEST: 'The request is not valid HTTP (RFC 9112).',
  NOT_AUTHENTICATED: 'There is no bearer token',
  TOKEN_INVALID: 'The access token is invalid',
  INVALID_CREDENTIALS: 'Invalid Credentials',
  NOT_OWNER: 'Only its owner may change a post.',
  NOT_FOUND: 'No post has the id 4711.',
  METHOD_NOT_ALLOWED: 'PATCH is not allowed. Allowed: GET, HEAD, POST.',
  REQUEST_TIMEOUT: 'The request took too long to arrive.',
  CONFLICT: 'Another request changed the same data first. Read it, and try again.',
  EMAIL_TAKEN: 'Another user has signed up with this email.',
  ALREADY_VOTED: 'You have already voted for post 4.',
  PAYLOAD_TOO_LARGE: 'Request body is too large',
  URI_TOO_LONG: 'The request target is too long.',
  UNSUPPORTED_MEDIA_TYPE: 'Compressed bodies are not supported.',
  VALIDATION_FAILED: 'A query key was given more than once.',
  TOO_MANY_REQUESTS: 'Too many requests from your IP address.',
  HEADERS_TOO_LARGE: 'The request headers are too large.',
  INTERNAL: 'The service failed. The request is not the cause; try again later.',
  OVERLOADED: 'The service is overloaded. Try again in a moment.',
  DATABASE_UNAVAILABLE: 'The database does not respond. Try again in a moment.',
  COMMIT_OUTCOME_UNKNOWN:
    'The connection was lost during the commit: the change may or may not be stored. Look before you try again.',
}

/** One value that failed validation: the part of the request it is in, its JSON Pointer, and what was expected. */
export interface InvalidValue {
  in: string
  path: string
  message: string
}

/** The members of RFC 9457, and the service's own. */
export interface ProblemDocument {
  type: string
  title: string
  status: number
  detail: string
  code: ProblemCode
  instance: string
  errors?: InvalidValue[]
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

  constructor(
    code: ProblemCode,
    detail = DEFAULT_DETAILS[code],
    { headers = {}, errors, cause }: ProblemOptions = {},
  ) {
    super(detail, { cause })
    this.code = code
    this.statusCode = PROBLEM_STATUS[code]
    this.headers = headers
    this.errors = errors
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
