import { isUtf8 } from 'node:buffer'

/** A JSON object, as `JSON.parse` returns it. */
export type JsonObject = Record<string, unknown>

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const ALPHABET_ONLY = /^[A-Za-z0-9_-]*$/

/**
 * Returns true if the text is base64url as RFC 7515 §2 defines it: its own alphabet, no padding, a possible length, and no
 * bits after the last byte (RFC 4648 §3.5), so that each value has only one spelling.
 */
export function isBase64url(text: string): boolean {
  return ALPHABET_ONLY.test(text) && endsCanonically(text)
}

function endsCanonically(text: string): boolean {
  const rest = text.length % 4
  if (rest === 0) return true
  if (rest === 1) return false
  const last = ALPHABET.indexOf(text.charAt(text.length - 1))
  return (last & (rest === 2 ? 0b1111 : 0b11)) === 0
}

/** The deepest nesting of JSON. A parser is slow over thousands of brackets, and no claim needs them. */
export const MAX_DEPTH = 32

/** The reason for JSON whose text has more members than its value. */
export const DUPLICATE_MEMBER = 'has a member twice'

/**
 * Parses a part in base64url to its JSON object, or returns the reason why it has none. A repeated member is refused (RFC
 * 7515 §4, RFC 8725 §2.6), because two readers might each believe another one of the two.
 */
export function parseObject(part: string): JsonObject | string {
  const bytes = Buffer.from(part, 'base64url')
  return parseBytes(bytes, bytes.length)
}

/** Parses the first `length` bytes as {@link parseObject} does. @internal */
export function parseBytes(bytes: Buffer, length: number): JsonObject | string {
  const members = countMembers(bytes, length)
  if (typeof members === 'string') return members
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8', 0, length))
  } catch {
    return 'is not JSON'
  }
  if (!isObject(value)) return 'is not a JSON object'
  return members === countValueMembers(value) ? value : DUPLICATE_MEMBER
}

/** Returns true if a value is an object, and neither an array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a]
const [BRACE, END_BRACE, BRACKET, END_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d]

/**
 * Counts the members of all objects in a JSON text, or returns the reason why it must not be parsed. The text need not be
 * JSON.
 *
 * @param length - the number of bytes that are the text.
 */
export function countMembers(json: Uint8Array, length = json.length): number | string {
  let bits = 0
  let members = 0
  let depth = 0
  let quoted = false
  for (let at = 0; at < length; at++) {
    const byte = json[at] as number
    bits |= byte
    if (byte === QUOTE) quoted = !quoted
    else if (quoted) {
      if (byte === BACKSLASH) at++
    } else if (byte === COLON) members++
    else if (byte === BRACE || byte === BRACKET) {
      if (++depth > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} deep`
    } else if (byte === END_BRACE || byte === END_BRACKET) depth--
  }
  const isAscii = bits < 0x80
  return isAscii || isUtf8(json.subarray(0, length)) ? members : 'is not UTF-8'
}

/** Counts the members of all objects in a parsed value. */
export function countValueMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner = Object.values(value)
  let members = Array.isArray(value) ? 0 : inner.length
  for (const item of inner) if (typeof item === 'object') members += countValueMembers(item)
  return members
}
