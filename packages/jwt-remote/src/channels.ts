import { channel } from 'node:diagnostics_channel'
import type { JwtKitErrorCode, TokenPart } from '@auth-primer/jwt-kit'
import type { JwtRemoteErrorCode } from './errors.ts'

/** The provider's keys were fetched, or could not be. */
export interface FetchEvent {
  /** The number of keys of the set that can verify; 0 after a failure. */
  readonly keys: number
  /** The reason why they could not be fetched. */
  readonly code?: JwtRemoteErrorCode
}

/** A token was verified and accepted. */
export interface RemoteAcceptEvent {
  /** The algorithm in its header. */
  readonly algorithm: string
}

/** A token was not accepted. */
export interface RemoteRefuseEvent {
  /** The reason. */
  readonly code: JwtKitErrorCode | JwtRemoteErrorCode
  /** The part at fault. */
  readonly part: TokenPart | undefined
  /** The name of the claim at fault. */
  readonly claim: string | undefined
}

/** Events for `node:diagnostics_channel`. None holds a token, a key, or the value of a claim. @internal */
export const channels = {
  fetch: channel('auth-primer:jwt-remote:fetch'),
  accept: channel('auth-primer:jwt-remote:accept'),
  refuse: channel('auth-primer:jwt-remote:refuse'),
}
