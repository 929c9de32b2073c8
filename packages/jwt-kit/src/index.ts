/** @module */

export { ALGORITHMS, type Algorithm } from './algorithms.ts'
export type { KitKind } from './bound-kind.ts'
export type { AcceptEvent, RefuseEvent, SignEvent } from './channels.ts'
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
export type { FormatCheck, FormatRegistry } from './formats.ts'
export { bearerToken, type Guard, type GuardOptions, type GuardRequest } from './guard.ts'
export { type Jwk, type Jwks, thumbprint } from './jwk.ts'
export type { KeyInput, NodeKey } from './key-material.ts'
export { type KeyEntry, type Keyring, keyring } from './keyring.ts'
export {
  type Claims,
  type Frozen,
  type RegisteredClaims,
  type Rfc9068Claims,
  rfc9068Kind,
  type TokenKind,
  type TokenKindOptions,
  tokenKind,
} from './kind.ts'
export { type JwtKit, jwtKit, type KitBase, type SecurityScheme } from './kit.ts'
export { type Duration, LONGEST_LIFE } from './option-checks.ts'
export {
  type JwtKitOptions,
  type Kinds,
  MAX_PAYLOAD_BYTES,
  MAX_TOKEN_LENGTH,
  type RevokedArguments,
  type RevokedByKind,
  type RevokedForAll,
} from './options.ts'
export {
  type ClaimFault,
  type ClaimsChecks,
  type ClaimsOf,
  type ClaimsSchema,
  type CompileOptions,
  compileClaims,
} from './schema.ts'
export type { SignOptions } from './sign.ts'
export type { Change, ExplainedPart } from './token-parts.ts'
