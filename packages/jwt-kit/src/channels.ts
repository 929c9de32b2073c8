import { channel } from 'node:diagnostics_channel'
import type { JwtKitErrorCode, TokenPart } from './errors.ts'

/** Published when a token was signed. */
export interface SignEvent {
  /** The name of the kind on the kit. */
  readonly kind: string
  /** The algorithm of the token's header. */
  readonly algorithm: string
}
/** Published when a token was verified and accepted. */
export interface AcceptEvent {
  /** The name of the kind on the kit. */
  readonly kind: string
}
/** Published when a token was refused. */
export interface RefuseEvent {
  /** The name on the kit of the kind that was expected. */
  readonly kind: string
  /** The reason. */
  readonly code: JwtKitErrorCode
  /** The part at fault. */
  readonly part: TokenPart | undefined
  /** The name of the claim at fault. */
  readonly claim: string | undefined
}

/** The channels of `node:diagnostics_channel`. No event contains a token, a key or the value of a claim. @internal */
export const channels = {
  sign: channel('auth-primer:jwt-kit:sign'),
  accept: channel('auth-primer:jwt-kit:accept'),
  refuse: channel('auth-primer:jwt-kit:refuse'),
}
