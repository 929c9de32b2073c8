import { bearerToken, type GuardRequest, JwtKitError } from '@auth-primer/jwt-kit'
import { JwtRemoteError } from './errors.ts'

/** An `onRequest` hook of Fastify, a middleware of Express, or a function to await in any other framework. */
export interface RemoteGuard {
  /** Lets the request pass, or rejects with a `JwtKitError` or a {@link JwtRemoteError}. */
  (request: GuardRequest): Promise<void>
  /** Calls `next`, with the error if the request is rejected. */
  (request: GuardRequest, response: unknown, next: (error?: Error) => void): void
}

/** Verifies requests, and keeps their claims. */
export interface RequestVerifier<T> {
  readonly verifyRequest: (request: GuardRequest) => Promise<T>
  readonly guard: RemoteGuard
  readonly claims: (request: object) => T
}

/** Makes the functions that verify the token of a request. The claims are kept next to the request, not on it. */
export function createRequestVerifier<T>(verify: (token: string) => Promise<T>): RequestVerifier<T> {
  const admitted = new WeakMap<object, { readonly claims: T }>()
  const verifyRequest = async (request: GuardRequest) => {
    const claims = await verify(bearerToken(request)).catch(rejectRequest)
    admitted.set(request, { claims })
    return claims
  }
  return {
    verifyRequest,
    // Not an async function: Fastify does not accept one with three parameters.
    guard: (request: GuardRequest, _response?: unknown, next?: (error?: Error) => void) => {
      const done = verifyRequest(request).then(() => {})
      // Fastify's request has `raw`, and it waits for the promise. Express waits for the call.
      return next === undefined || 'raw' in request ? done : done.then(() => next(), next)
    },
    claims(request) {
      const entry = admitted.get(request)
      if (entry !== undefined) return entry.claims
      throw new JwtKitError(
        'JWT_KIT_NOT_GUARDED',
        'No token of this provider was verified for this request',
        {
          hint: 'Put `guard()` on the route.',
        },
      )
    },
  }
}

/** Replaces a rejection by what the client may know. The reason is its `cause`, for the log. */
function rejectRequest(cause: unknown): never {
  if (cause instanceof JwtRemoteError) throw cause
  const expired = cause instanceof JwtKitError && cause.code === 'JWT_KIT_EXPIRED'
  throw new JwtKitError(
    'JWT_KIT_INVALID_TOKEN',
    expired ? 'The access token expired' : 'The access token is invalid',
    { part: 'token', hint: 'Log in again, or refresh the token.', cause },
  )
}
