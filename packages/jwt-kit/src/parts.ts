import { isBase64url } from './base64url.ts'
import { MAX_TOKEN_LENGTH } from './context.ts'
import { isObject, type JsonObject, parseObject } from './strict-json.ts'

/** One of the three parts of a token. */
export interface ExplainedPart {
  /** Which of the three. */
  readonly name: 'header' | 'payload' | 'signature'
  /** Where it starts in the token. */
  readonly start: number
  /** Where it ends: the first character that is not its own. */
  readonly end: number
  /** What it is for. */
  readonly meaning: string
  /** What is written in it; a signature has none. */
  readonly value?: JsonObject
  /** How many bytes it has, decoded. */
  readonly bytes: number
  /** Why it cannot be read. */
  readonly problem?: string
}

const PARTS = [
  ['header', 'how the token was signed, and what kind it is'],
  ['payload', 'what the token says: its claims'],
  ['signature', 'made with the key over the header and the payload, so that neither can be changed'],
] as const

/** Takes a token apart as far as it goes; what is no text has no parts, and a fourth part is none of its own. */
export function takeApart(token: unknown): ExplainedPart[] {
  if (typeof token !== 'string') return []
  let start = 0
  return token.split('.', PARTS.length).map((text, at) => {
    const [name, meaning] = PARTS[at] as (typeof PARTS)[number]
    const part = { name, start, end: start + text.length, meaning, ...read(name, text, token.length) }
    start = part.end + 1
    return part
  })
}

/** Whether a token has three parts. */
export function hasThreeParts(token: unknown): token is string {
  return typeof token === 'string' && token.split('.', PARTS.length + 1).length === PARTS.length
}

function read(
  name: string,
  text: string,
  length: number,
): Pick<ExplainedPart, 'bytes' | 'value' | 'problem'> {
  const bytes = Math.floor((text.length * 3) / 4)
  if (length > MAX_TOKEN_LENGTH) return { bytes, problem: 'is not read: the token is too large' }
  if (!isBase64url(text)) return { bytes, problem: 'is not base64url' }
  if (name === 'signature') return { bytes }
  const value = parseObject(text)
  return isObject(value) ? { bytes, value } : { bytes, problem: value }
}
