import { channel } from 'node:diagnostics_channel'
import type { JwtKitErrorCode, TokenPart } from './errors.ts'

/** A token was signed. */
export interface SignEvent {
  readonly kind: string
  readonly algorithm: string
}
/** A token was verified and accepted. */
export interface AcceptEvent {
  readonly kind: string
}
/** A token was refused. */
export interface RefuseEvent {
  readonly kind: string
  readonly code: JwtKitErrorCode
  readonly part: TokenPart | undefined
  readonly claim: string | undefined
}

/** What happens inside, for `node:diagnostics_channel`: no token, key or claim's value is in any event. */
export const channels = {
  sign: channel('auth-primer:jwt-kit:sign'),
  accept: channel('auth-primer:jwt-kit:accept'),
  refuse: channel('auth-primer:jwt-kit:refuse'),
}
