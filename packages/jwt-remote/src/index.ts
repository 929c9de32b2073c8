/** @module */

export { REMOTE_ALGORITHMS, type RemoteAlgorithm } from './algorithms.ts'
export type { FetchEvent, RemoteAcceptEvent, RemoteRefuseEvent } from './channels.ts'
export type { RemoteClaims, RemoteRegisteredClaims } from './claims.ts'
export {
  JwtRemoteError,
  type JwtRemoteErrorCode,
  type JwtRemoteErrorDetails,
  REMOTE_ERROR_CODES,
} from './errors.ts'
export type { RemoteGuard } from './guard.ts'
export type { JwkSet } from './key-set.ts'
export type { JwtRemoteOptions } from './options.ts'
export { type JwtRemote, jwtRemote } from './remote.ts'
