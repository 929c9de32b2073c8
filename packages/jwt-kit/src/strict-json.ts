import { isUtf8 } from 'node:buffer'

/** A JSON object, as it came out of `JSON.parse`. */
export type JsonObject = Record<string, unknown>

/** How deep JSON may be nested: a parser takes long over thousands of brackets, and no claim needs them. */
export const MAX_DEPTH = 32

/**
 * Parses a base64url part to the JSON object it holds, or gives the reason why it holds none. RFC 7515 §4 and RFC 8725 §2.6:
 * a repeated member is refused, since two readers might each believe another one of the two.
 */
export function parseObject(part: string): JsonObject | string {
  const bytes = Buffer.from(part, 'base64url')
  const members = surveyJson(bytes)
  if (typeof members === 'string') return members
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    return 'is not JSON'
  }
  if (!isObject(value)) return 'is not a JSON object'
  return members === membersOf(value) ? value : TWICE
}

/** Said where a value has fewer members than its text. */
export const TWICE = 'has a member twice'

/** Whether a value is an object, and neither an array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * How many members a JSON text has, at all depths together; or why it is not to be parsed. It need not be JSON.
 *
 * @param length - how many of the bytes are the text.
 */
export function surveyJson(json: Uint8Array, length = json.length): number | string {
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

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a]
const [BRACE, END_BRACE, BRACKET, END_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d]

/** How many members a parsed value has, at all depths together. */
export function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner = Object.values(value)
  let members = Array.isArray(value) ? 0 : inner.length
  for (const item of inner) if (typeof item === 'object') members += membersOf(item)
  return members
}
