import { isUtf8 } from 'node:buffer'

/** A JSON object, as it came out of `JSON.parse`. */
export type JsonObject = Record<string, unknown>

/**
 * Parses a base64url part to the JSON object it holds, or gives the reason why it holds none. RFC 7515 §4 and RFC 8725 §2.6:
 * a repeated member is refused, since two readers might each believe another one of the two.
 */
export function parseObject(part: string): JsonObject | string {
  const bytes = Buffer.from(part, 'base64url')
  if (!isUtf8(bytes)) return 'is not UTF-8'
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    return 'is not JSON'
  }
  if (!isObject(value)) return 'is not a JSON object'
  return hasRepeats(bytes, value) ? 'has a member twice' : value
}

/** Whether a value is an object, and neither an array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a JSON text has more members than the value that was parsed from it: then one of them was there twice. */
export function hasRepeats(json: Uint8Array, value: unknown): boolean {
  return membersIn(json) !== membersOf(value)
}

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a]

function membersIn(json: Uint8Array): number {
  let members = 0
  let quoted = false
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === QUOTE) quoted = !quoted
    else if (quoted) {
      if (byte === BACKSLASH) at++
    } else if (byte === COLON) members++
  }
  return members
}

function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner = Object.values(value)
  let members = Array.isArray(value) ? 0 : inner.length
  for (const item of inner) if (typeof item === 'object') members += membersOf(item)
  return members
}
