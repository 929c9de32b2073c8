import type { Keyring } from './keyring.ts'

/** The most bytes that a payload may have. */
export const MAX_PAYLOAD_BYTES = 4096
/** The most characters that a token may have; a longer one is refused before anything of it is read. */
export const MAX_TOKEN_LENGTH = 8192

/** The options of a kit, checked and with the defaults filled in. */
export interface KitContext {
  readonly issuer: string
  readonly audience: string | undefined
  readonly keys: Keyring
  /** Seconds by which another machine's clock may be ahead, for `iat` and `nbf`. */
  readonly clockTolerance: number
  /** Seconds for which a token is good after its `exp`. */
  readonly expiryTolerance: number
  readonly now: () => number
  readonly jti: () => string
}
