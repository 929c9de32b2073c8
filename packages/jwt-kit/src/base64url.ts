const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const SHAPE = /^[A-Za-z0-9_-]*$/

/**
 * Whether the text is base64url as RFC 7515 §2 has it: its own alphabet, no padding, no length that nothing encodes to, and
 * no bits set past the last byte (RFC 4648 §3.5), so that each value has one spelling only.
 */
export function isBase64url(text: string): boolean {
  return SHAPE.test(text) && isCanonical(text)
}

/** The half of {@link isBase64url} that needs no look at every character. */
export function isCanonical(text: string): boolean {
  const rest = text.length % 4
  if (rest === 0) return true
  if (rest === 1) return false
  const last = ALPHABET.indexOf(text.charAt(text.length - 1))
  return (last & (rest === 2 ? 0b1111 : 0b11)) === 0
}
