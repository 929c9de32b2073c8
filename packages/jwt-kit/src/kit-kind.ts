import { channels } from './channels.ts'
import type { KitContext } from './context.ts'
import type { JwtKitError } from './errors.ts'
import { createGuard, type Guard, type RequestGuard } from './guard.ts'
import type { Claims, TokenKind } from './kind.ts'
import { checkRevoked, type Revoked } from './revoked.ts'
import type { ClaimsOf, ClaimsSchema } from './schema.ts'
import { createSign, type SignOptions } from './sign.ts'
import type { JsonObject } from './strict-json.ts'
import { createCheck } from './verify.ts'

/** One kind of token, on a kit. */
export interface KitKind<C extends ClaimsSchema> {
  /** What stands in the header: `access+jwt`. */
  readonly typ: string
  /** How long a token lives, in seconds: OAuth's `expires_in`. */
  readonly ttl: number
  /**
   * Signs a token.
   *
   * @throws {JwtKitError} `JWT_KIT_SIGN_CLAIMS` where a claim is wrong, missing or too much, `JWT_KIT_SIGN_TOO_LARGE` where
   *   they are more than 4 KiB, `JWT_KIT_NO_SIGNING_KEY` where the ring can only verify, `JWT_KIT_OPTIONS`.
   */
  sign(claims: ClaimsOf<C>, options?: SignOptions): string
  /**
   * Verifies a token, and gives its claims: those of the schema and the registered ones, frozen. A claim that neither names
   * is left out, so that a service that issues one claim more is understood by one that does not know it yet; a schema with
   * `additionalProperties: false` refuses it.
   *
   * @throws {JwtKitError} whose `code` is a `TokenErrorCode` (401), or `JWT_KIT_REVOCATION_UNAVAILABLE` (503).
   */
  verify(token: string): Promise<Claims<C>>
  /** An `onRequest` hook that lets a request through if it has a good token of this kind. */
  guard(): Guard
  /**
   * The claims of a request that the guard let through.
   *
   * @throws {JwtKitError} `JWT_KIT_NOT_GUARDED` where no guard of this kind did.
   */
  of(request: object): Claims<C>
}

/** A kind of token, with what the kit and its plugin need of it. */
export interface KindParts {
  readonly kind: TokenKind
  readonly handle: KitKind<ClaimsSchema>
  readonly requests: RequestGuard<JsonObject>
  /** Verifies, and tells the diagnostics channels. */
  readonly verify: (token: unknown) => Promise<JsonObject>
  /** Verifies without telling. */
  readonly accept: (token: unknown) => Promise<JsonObject>
  /** The claims of a payload that was verified: those of the schema and the registered ones, frozen. */
  readonly present: (payload: JsonObject) => JsonObject
}

/** What a kind on a kit was made with, for `jwt-kit/testing`. */
export const origins = new WeakMap<object, { readonly context: KitContext; readonly kind: TokenKind }>()

/** Puts a kind of token on a kit. */
export function createKind(
  name: string,
  kind: TokenKind,
  context: KitContext,
  revoked: Revoked | undefined,
): KindParts {
  const { check, present } = createCheck(context, kind)
  const accept = async (token: unknown) => {
    const claims = check(token)
    if (revoked !== undefined) await checkRevoked(revoked, claims, name)
    return claims
  }
  const verify = async (token: unknown) => {
    try {
      const claims = await accept(token)
      if (channels.accept.hasSubscribers) channels.accept.publish({ kind: name })
      return claims
    } catch (problem) {
      const { code, part, claim } = problem as JwtKitError
      if (channels.refuse.hasSubscribers) channels.refuse.publish({ kind: name, code, part, claim })
      throw problem
    }
  }
  const signer = createSign(context, kind)
  const sign = (claims: unknown, options?: SignOptions) => {
    const token = signer(claims, options)
    if (channels.sign.hasSubscribers) channels.sign.publish({ kind: name, algorithm: context.keys.algorithm })
    return token
  }
  const requests = createGuard(verify)
  // The checks are what makes a JSON object the claims of the schema.
  const handle = Object.freeze({
    typ: kind.typ,
    ttl: kind.ttl,
    sign,
    verify,
    guard: () => requests.guard,
    of: requests.of,
  })
  origins.set(handle, { context, kind })
  return { kind, handle: handle as unknown as KitKind<ClaimsSchema>, requests, verify, accept, present }
}
