import type { ProblemCode } from '../problem.ts'

/** What each code means, for the list of an operation's answers. `docs/errors` says more of each. */
export const MEANINGS: Record<ProblemCode, string> = {
  MALFORMED_REQUEST: 'it cannot be read as HTTP, as JSON or as a bearer token.',
  NOT_AUTHENTICATED: 'there is no token. Log in first.',
  TOKEN_INVALID: 'the token is forged, cut or expired, or its user is gone. Log in again.',
  INVALID_CREDENTIALS: 'the e-mail or the password is wrong; which one is not said.',
  NOT_OWNER: 'it is somebody else’s.',
  NOT_FOUND: 'there is no such thing, or it is not for you to see.',
  METHOD_NOT_ALLOWED: 'the path is right, the method is not.',
  REQUEST_TIMEOUT: 'it took too long to arrive.',
  CONFLICT: 'somebody else was there at the same time. Look, and try again.',
  EMAIL_TAKEN: 'somebody has signed up with this e-mail.',
  ALREADY_VOTED: 'you have voted for this post.',
  PAYLOAD_TOO_LARGE: 'the body is larger than is read.',
  URI_TOO_LONG: 'the path, or the request with its headers, is longer than is read.',
  UNSUPPORTED_MEDIA_TYPE: 'the body is of a type, or in an encoding, that is not read here.',
  VALIDATION_FAILED: 'a value is missing, of the wrong type or out of bounds: `errors` says which.',
  TOO_MANY_REQUESTS: 'more came from you than one client is given. Try again when `Retry-After` says.',
  INTERNAL: 'the service failed. It is not your request.',
  OVERLOADED: 'the service has more to do than it can. Try again when `Retry-After` says.',
  DATABASE_UNAVAILABLE: 'the database does not answer. Try again later.',
  COMMIT_OUTCOME_UNKNOWN: 'it may have been stored or not. Look before you try again.',
}

/** The `detail` of each code's example. */
export const DETAILS: Record<ProblemCode, string> = {
  MALFORMED_REQUEST: 'This is not HTTP as RFC 9112 has it.',
  NOT_AUTHENTICATED: 'There is no bearer token',
  TOKEN_INVALID: 'The access token is invalid',
  INVALID_CREDENTIALS: 'Invalid Credentials',
  NOT_OWNER: 'Only its owner may change a post.',
  NOT_FOUND: 'No post has the id 4711.',
  METHOD_NOT_ALLOWED: 'PATCH is not allowed here, but GET, HEAD, POST.',
  REQUEST_TIMEOUT: 'The request did not come in the time that it has.',
  CONFLICT: 'Another transaction was faster.',
  EMAIL_TAKEN: 'Somebody has signed up with this e-mail.',
  ALREADY_VOTED: 'You have voted for post 4 already.',
  PAYLOAD_TOO_LARGE: 'Request body is too large',
  URI_TOO_LONG: 'The request line and its headers are longer than is read.',
  UNSUPPORTED_MEDIA_TYPE: 'Bodies are read as they are, not compressed.',
  VALIDATION_FAILED: 'A query key was given more than once.',
  TOO_MANY_REQUESTS: 'Too much came from your address in a minute.',
  INTERNAL: 'The service failed. It is not your request; try again later.',
  OVERLOADED: 'The service has more to do than it can. Try again in a moment.',
  DATABASE_UNAVAILABLE: 'The database does not answer. Try again in a moment.',
  COMMIT_OUTCOME_UNKNOWN:
    'The connection was lost while the change was being stored: it may or may not be there. Look before you try again.',
}
