/**
 * @module
 * @mergeModuleWith <project>
 */

export { ALGORITHMS, type Algorithm } from './algorithms.ts'
export type { BearerRequest } from './bearer.ts'
export type { AcceptEvent, RefuseEvent, SignEvent } from './channels.ts'
export type { Change } from './compare.ts'
export { MAX_PAYLOAD_BYTES, MAX_TOKEN_LENGTH } from './context.ts'
export { type Duration, LONGEST_LIFE } from './duration.ts'
export {
  ERROR_CODES,
  JwtKitError,
  type JwtKitErrorCode,
  type JwtKitErrorDetails,
  type RequestErrorCode,
  type SetupErrorCode,
  type TokenErrorCode,
  type TokenPart,
} from './errors.ts'
export {
  type ExplainedClaim,
  type ExplainOptions,
  type Explanation,
  explainToken,
  type Verdict,
} from './explain.ts'
export type { KitPlugin, KitPluginOptions } from './fastify.ts'
export type { Guard } from './guard.ts'
export type { KeyInput } from './key-material.ts'
export { type Jwks, type KeyEntry, type Keyring, keyring } from './keyring.ts'
export {
  type Claims,
  type Frozen,
  type RegisteredClaims,
  type TokenKind,
  type TokenKindOptions,
  tokenKind,
} from './kind.ts'
export { type JwtKit, jwtKit, type KitBase } from './kit.ts'
export type { KitKind } from './kit-kind.ts'
export type { SecurityScheme } from './openapi.ts'
export type { JwtKitOptions, Kinds } from './options.ts'
export type { ExplainedPart } from './parts.ts'
export { type Rfc9068Claims, rfc9068Kind } from './rfc9068.ts'
export type { ClaimsOf, ClaimsSchema } from './schema.ts'
export type { SignOptions } from './sign.ts'
