import { channel } from 'node:diagnostics_channel'
import type { JwtKitErrorCode, TokenPart } from './errors.ts'

/** A token was signed. */
export interface SignEvent {
  /** The kind, by the name that the kit has it under. */
  readonly kind: string
  /** What it was signed with, as its header says. */
  readonly algorithm: string
}
/** A token was verified and accepted. */
export interface AcceptEvent {
  /** The kind, by the name that the kit has it under. */
  readonly kind: string
}
/** A token was refused. */
export interface RefuseEvent {
  /** The kind that was asked for, by the name that the kit has it under. */
  readonly kind: string
  /** Why it was refused. */
  readonly code: JwtKitErrorCode
  /** The part at fault. */
  readonly part: TokenPart | undefined
  /** The claim at fault, by name. */
  readonly claim: string | undefined
}

/** What happens inside, for `node:diagnostics_channel`: no token, key or claim's value is in any event. */
export const channels = {
  sign: channel('auth-primer:jwt-kit:sign'),
  accept: channel('auth-primer:jwt-kit:accept'),
  refuse: channel('auth-primer:jwt-kit:refuse'),
}
