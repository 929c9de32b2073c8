import { channels } from './channels.ts'
import { isObject, type JsonObject } from './encoding.ts'
import { JwtKitError } from './errors.ts'
import { createGuard, type Guard, type GuardOptions, type GuardRequest, type RequestGuard } from './guard.ts'
import type { Claims, TokenKind } from './kind.ts'
import { checkOptionNames } from './option-checks.ts'
import type { KitContext } from './options.ts'
import type { ClaimsOf, ClaimsSchema } from './schema.ts'
import { createSign, type SignOptions } from './sign.ts'
import { createTokenCheck, type TokenCheck } from './verify.ts'

/** One kind of token on a kit: `kit.access`. */
export interface KitKind<C extends ClaimsSchema> {
  /** The `typ` in the header: `access+jwt`. */
  readonly typ: string
  /** The lifetime of a token in seconds: the `expires_in` of OAuth. */
  readonly ttl: number
  /**
   * Signs a token.
   *
   * @throws {JwtKitError} `JWT_KIT_SIGN_CLAIMS` if a claim is missing, wrong or not in the schema, `JWT_KIT_SIGN_TOO_LARGE` if
   *   they have more than 4 KiB, `JWT_KIT_NO_SIGNING_KEY` if the ring can only verify, `JWT_KIT_OPTIONS`.
   */
  sign(claims: ClaimsOf<C>, options?: SignOptions): string
  /**
   * Verifies a token and returns its claims, frozen: those of the schema and the registered ones. A claim that neither names
   * is left out, so that a service can issue a new claim before all others know it. A schema with
   * `additionalProperties: false` refuses it.
   *
   * @throws {JwtKitError} whose `code` is a `TokenErrorCode` (401), or `JWT_KIT_REVOCATION_UNAVAILABLE` (503).
   */
  verify(token: string): Promise<Claims<C>>
  /**
   * Returns a guard: an `onRequest` hook of Fastify, a middleware of Express, or a function to await. It lets a request pass
   * if it has a good bearer token of this kind.
   */
  guard(options?: GuardOptions): Guard
  /**
   * Verifies the bearer token of a request of any framework, such as a fetch `Request`, and returns its claims.
   *
   * @throws {JwtKitError} with the `statusCode` and the `headers` of the response.
   */
  verifyRequest(request: GuardRequest): Promise<Claims<C>>
  /** Does the same, but returns undefined if there is no bearer token and `optional` is true. */
  verifyRequest(request: GuardRequest, options: GuardOptions): Promise<Claims<C> | undefined>
  /**
   * Verifies a token that came in another way than `Authorization`, and lets the request pass. A cookie is sent by the
   * browser with requests of other sites too: protect routes that change something against CSRF.
   *
   * @throws {JwtKitError} as `verifyRequest` does.
   */
  admit(request: object, token: string | undefined): Promise<Claims<C>>
  /**
   * Returns the claims of a request that was let pass.
   *
   * @throws {JwtKitError} `JWT_KIT_NOT_GUARDED` if no token of this kind was verified for it.
   */
  claims(request: object): Claims<C>
  /**
   * Returns the claims of a request behind an optional guard; undefined if it had no token.
   *
   * @throws {JwtKitError} `JWT_KIT_NOT_GUARDED` if no guard of this kind ran for it.
   */
  optionalClaims(request: object): Claims<C> | undefined
}

/** A function that says whether a token was revoked. */
export type Revoked = (claims: JsonObject, kind: string) => unknown

/** A kind of token together with its kit, with everything that the kit and the Fastify plugin need. */
export interface BoundKind {
  readonly kind: TokenKind
  readonly handle: KitKind<ClaimsSchema>
  readonly requests: RequestGuard<JsonObject>
  /** Verifies, and publishes the result. */
  readonly verify: (token: unknown) => Promise<JsonObject>
  /** Verifies without publishing. */
  readonly verifySilently: (token: unknown) => Promise<JsonObject>
  readonly filterClaims: TokenCheck['filterClaims']
}

/** The kit behind each handle, for `jwt-kit/testing`. */
export const kindContexts = new WeakMap<object, { readonly context: KitContext; readonly kind: TokenKind }>()

/** Binds a kind of token to a kit. */
export function bindKind(
  name: string,
  kind: TokenKind,
  context: KitContext,
  revoked: Revoked | undefined,
): BoundKind {
  const { verify: check, filterClaims } = createTokenCheck(context, kind)
  const verifySilently = async (token: unknown) => {
    const claims = check(token)
    if (revoked !== undefined) await checkRevoked(revoked, claims, name)
    return claims
  }
  const verify = async (token: unknown, options?: unknown) => {
    // `map` passes an index. An object would be options of another package, such as an issuer.
    if (isObject(options)) checkOptionNames('verify', options, [])
    try {
      const claims = await verifySilently(token)
      if (channels.accept.hasSubscribers) channels.accept.publish({ kind: name })
      return claims
    } catch (error) {
      // `verifySilently` throws nothing else.
      const { code, part, claim } = error as JwtKitError
      if (channels.refuse.hasSubscribers) channels.refuse.publish({ kind: name, code, part, claim })
      throw error
    }
  }
  const signToken = createSign(context, kind)
  const sign = (claims: unknown, options?: SignOptions) => {
    const token = signToken(claims, options)
    if (channels.sign.hasSubscribers) channels.sign.publish({ kind: name, algorithm: context.keys.algorithm })
    return token
  }
  const requests = createGuard(verify)
  const { guard, verifyRequest, admit, claims, optionalClaims } = requests
  const { typ, ttl } = kind
  const handle = Object.freeze({
    typ,
    ttl,
    sign,
    verify,
    guard,
    verifyRequest,
    admit,
    claims,
    optionalClaims,
  })
  kindContexts.set(handle, { context, kind })
  // The checks make a JSON object the claims of the schema.
  const typed = handle as unknown as KitKind<ClaimsSchema>
  return { kind, handle: typed, requests, verify, verifySilently, filterClaims }
}

async function checkRevoked(revoked: Revoked, claims: JsonObject, kind: string): Promise<void> {
  const { result, cause } = await callRevoked(revoked, claims, kind)
  if (result === false) return
  if (result === true) {
    throw new JwtKitError('JWT_KIT_REVOKED', 'The token was revoked', {
      part: 'token',
      hint: 'Log in again.',
    })
  }
  // A token that may have been revoked is not accepted.
  throw new JwtKitError('JWT_KIT_REVOCATION_UNAVAILABLE', 'It is not known whether the token was revoked', {
    hint: 'Try again. The `revoked` function threw, or returned neither true nor false: see `cause`.',
    cause,
  })
}

async function callRevoked(revoked: Revoked, claims: JsonObject, kind: string) {
  try {
    return { result: await revoked(claims, kind), cause: undefined }
  } catch (cause) {
    return { result: undefined, cause }
  }
}
