import { JwtKitError, TOKEN_CODES } from './errors.ts'
import { checkOptionNames } from './option-checks.ts'

/** The parts of a request that are read. Requests of Fastify, Express, Node's `http` and fetch have them. */
export interface GuardRequest {
  /** The headers by name in lower case, or the `Headers` of fetch. */
  readonly headers:
    | {
        /** `Bearer` and the token. */
        readonly authorization?: string | undefined
      }
    | {
        /** Returns a header by name. */
        readonly get: (name: string) => string | null
      }
  /** Names and values in turn, as they came: a repeated header is there twice. */
  readonly rawHeaders?: readonly string[] | undefined
  /** The request of Node's `http`, if this one is a wrapper around it. */
  readonly raw?:
    | {
        /** Names and values in turn. */
        readonly rawHeaders?: readonly string[] | undefined
      }
    | undefined
}

/** The options of `guard` and `verifyRequest`. */
export interface GuardOptions {
  /**
   * True to let a request without a bearer token pass. A token that is there must still be good.
   *
   * @default false
   */
  readonly optional?: boolean
}

/** An `onRequest` hook of Fastify, a middleware of Express, or a function to await in any other framework. */
export interface Guard {
  /** Lets the request pass, or rejects with a {@link JwtKitError}. */
  (request: GuardRequest): Promise<void>
  /** Calls `next`: with a {@link JwtKitError} if the request is refused, and without one if it passes. */
  (request: GuardRequest, response: unknown, next: (error?: Error) => void): void
}

/** The way in which a kind of token guards requests. */
export interface RequestGuard<T> {
  readonly guard: (options?: GuardOptions) => Guard
  readonly verifyRequest: (request: GuardRequest, options?: GuardOptions) => Promise<T | undefined>
  readonly admit: (request: object, token: string | undefined) => Promise<T>
  /** Stores the claims of a token that was verified already. */
  readonly storeClaims: (request: object, claims: T) => void
  readonly claims: (request: object) => T
  readonly optionalClaims: (request: object) => T | undefined
}

/** `Bearer`, if it is not the beginning of a longer word. */
const SCHEME = /^bearer(?![!#$%&'*+.^`|~\w-])/i
/** RFC 6750 §2.1: `"Bearer" 1*SP b64token`. */
const CREDENTIALS = /^bearer +([\w.~+/-]+=*)$/i

/**
 * Returns the token in the `Authorization` header of a request of any framework.
 *
 * @throws {JwtKitError} `JWT_KIT_NO_CREDENTIALS` (401) if there is none, or one of another scheme; `JWT_KIT_INVALID_REQUEST`
 *   (400) if there are two, or it is malformed (RFC 6750 §2.1).
 *
 * @example
 * ```js
 * import { bearerToken } from '@auth-primer/jwt-kit'
 *
 * const request = new Request('https://shop.example/me', { headers: { authorization: 'Bearer abc' } })
 * console.log(bearerToken(request)) // abc
 * ```
 */
export function bearerToken(request: GuardRequest): string {
  const token = findBearerToken(request)
  if (token === undefined) throw noCredentials('Send the header `Authorization: Bearer <token>`.')
  return token
}

function findBearerToken(request: GuardRequest): string | undefined {
  // Node joins or drops a repeated header. `rawHeaders` has them all.
  if (countAuthorization((request.raw ?? request).rawHeaders ?? []) > 1)
    throw invalidRequest('There are two Authorization headers')
  const header = readAuthorization(request.headers)
  if (typeof header !== 'string') throw invalidRequest('The Authorization header is not text')
  const token = CREDENTIALS.exec(header)?.[1]
  if (token === undefined && SCHEME.test(header)) throw invalidRequest('The Bearer header is malformed')
  return token
}

function readAuthorization(headers: GuardRequest['headers']): unknown {
  const value: unknown =
    'get' in headers && typeof headers.get === 'function'
      ? headers.get('authorization')
      : (headers as { authorization?: unknown }).authorization
  return value ?? ''
}

function countAuthorization(rawHeaders: readonly string[]): number {
  let found = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (name.length === 13 && name.toLowerCase() === 'authorization') found++
  }
  return found
}

const OPTION_NAMES = ['optional']

/**
 * Creates the guard of one kind of token. A client learns only what {@link throwClientError} says. The claims are stored
 * apart from the request, per kind, so no type of a framework is augmented.
 */
export function createGuard<T>(verify: (token: string) => Promise<T>): RequestGuard<T> {
  const admitted = new WeakMap<object, { readonly claims: T | undefined }>()

  const storeClaims = (request: object, claims: T) => {
    admitted.set(request, { claims })
  }
  const admit = async (request: object, token: string | undefined, options?: unknown) => {
    checkOptionNames('admit', options, [])
    if (token === undefined || token === '') throw noCredentials('Send the token, such as in its cookie.')
    const claims = await verify(token).catch(throwClientError)
    storeClaims(request, claims)
    return claims
  }
  const verifyRequest = async (request: GuardRequest, options: GuardOptions = {}) => {
    checkOptionNames('verifyRequest', options, OPTION_NAMES)
    const token = findBearerToken(request)
    if (token !== undefined || options.optional !== true) return admit(request, token ?? bearerToken(request))
    admitted.set(request, { claims: undefined })
    return undefined
  }
  const optionalClaims = (request: object) => {
    const entry = admitted.get(request)
    if (entry !== undefined) return entry.claims
    throw notGuarded('Put `kit.<kind>.guard()` on the route, as its onRequest hook or middleware.')
  }

  return {
    verifyRequest,
    admit,
    storeClaims,
    optionalClaims,
    guard: (options = {}) => {
      checkOptionNames('guard', options, OPTION_NAMES)
      // Fastify and Express pass `next`, and others await the promise. One that is passed and awaited would run twice.
      const guard = (request: GuardRequest, _response?: unknown, next?: (error?: Error) => void) => {
        const verified = verifyRequest(request, options)
        if (next === undefined) return verified.then(() => undefined)
        return void verified.then(() => next(), next)
      }
      return guard as Guard
    },
    claims: (request) => {
      const claims = optionalClaims(request)
      if (claims !== undefined) return claims
      throw notGuarded('The guard is optional: read the claims with `optionalClaims`, or make it required.')
    },
  }
}

const tokenCodes: ReadonlySet<string> = new Set(TOKEN_CODES)

/** Throws what a client may learn about a refused token. The reason is the `cause`, for the log. */
export function throwClientError(cause: unknown): never {
  if (cause instanceof JwtKitError && !tokenCodes.has(cause.code)) throw cause
  const expired = cause instanceof JwtKitError && cause.code === 'JWT_KIT_EXPIRED'
  const message = expired ? 'The access token expired' : 'The access token is invalid'
  throw new JwtKitError('JWT_KIT_INVALID_TOKEN', message, {
    part: 'token',
    hint: 'Log in again, or refresh the token.',
    cause,
  })
}

function noCredentials(hint: string): JwtKitError {
  return new JwtKitError('JWT_KIT_NO_CREDENTIALS', 'There is no bearer token', { hint })
}

function invalidRequest(message: string): JwtKitError {
  return new JwtKitError('JWT_KIT_INVALID_REQUEST', message, {
    hint: 'Send one header `Authorization: Bearer <token>`, with one space and nothing after the token.',
  })
}

function notGuarded(hint: string): JwtKitError {
  return new JwtKitError('JWT_KIT_NOT_GUARDED', 'No token of this kind was verified for this request', {
    hint,
  })
}
