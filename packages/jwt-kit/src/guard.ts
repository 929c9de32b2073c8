import { type BearerRequest, bearerToken } from './bearer.ts'
import { JwtKitError, TOKEN_CODES } from './errors.ts'

/** An `onRequest` hook of Fastify's. */
export type Guard = (request: BearerRequest) => Promise<void>

/** How a kind of token guards requests. */
export interface RequestGuard<T> {
  readonly guard: Guard
  /** Keeps the claims of a request that was verified in another way. */
  readonly admit: (request: object, claims: T) => void
  readonly of: (request: object) => T
}

/**
 * Makes the guard of one kind of token. It answers with what a client may know; what was wrong with the token is the
 * error's `cause`, for the log. The claims are kept beside the request, per kind, so that no type is augmented.
 */
export function createGuard<T>(verify: (token: string) => Promise<T>): RequestGuard<T> {
  const admitted = new WeakMap<object, { readonly claims: T }>()
  const admit = (request: object, claims: T) => {
    admitted.set(request, { claims })
  }
  return {
    admit,
    guard: async (request) => {
      const token = bearerToken(request)
      admit(request, await verify(token).catch(answer))
    },
    of: (request) => {
      const entry = admitted.get(request)
      if (entry !== undefined) return entry.claims
      throw new JwtKitError('JWT_KIT_NOT_GUARDED', 'No token of this kind was verified for this request', {
        hint: 'Put `onRequest: kit.<kind>.guard()` on the route.',
      })
    },
  }
}

const TOKEN_FAULTS: ReadonlySet<string> = new Set(TOKEN_CODES)

/** Turns the refusal of a token into what a client is answered. */
export function answer(cause: unknown): never {
  if (cause instanceof JwtKitError && !TOKEN_FAULTS.has(cause.code)) throw cause
  const expired = cause instanceof JwtKitError && cause.code === 'JWT_KIT_EXPIRED'
  throw new JwtKitError(
    'JWT_KIT_INVALID_TOKEN',
    expired ? 'The access token expired' : 'The access token is invalid',
    {
      part: 'token',
      hint: 'Log in again, or refresh the token.',
      cause,
    },
  )
}
