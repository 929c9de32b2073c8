import { isDeepStrictEqual } from 'node:util'
import { isBase64url, isObject, type JsonObject, parseObject } from './encoding.ts'
import { MAX_TOKEN_LENGTH } from './options.ts'

/** One of the three parts of a token. */
export interface ExplainedPart {
  /** The name of the part. */
  readonly name: 'header' | 'payload' | 'signature'
  /** The index of its first character in the token. */
  readonly start: number
  /** The index after its last character. */
  readonly end: number
  /** Its purpose. */
  readonly meaning: string
  /** Its JSON object. A signature has none. */
  readonly value?: JsonObject
  /** The number of its bytes, decoded. */
  readonly bytes: number
  /** The reason why it cannot be read. */
  readonly problem?: string
}

/** A difference between a token and the original. */
export interface Change {
  /** The part that is different. */
  readonly part: ExplainedPart['name']
  /** The claim, or the member of the header. It is missing if the part as a whole is different. */
  readonly claim?: string
  /** The value in the original; undefined if it was not there. */
  readonly was?: unknown
  /** The value in the token; undefined if it was removed. */
  readonly is?: unknown
}

const PARTS = [
  ['header', 'how the token was signed, and what kind it is'],
  ['payload', 'what the token says: its claims'],
  ['signature', 'made with the key over the header and the payload, so that neither can be changed'],
] as const

/** Splits a token into its parts, as far as possible. A value that is not text has no parts, and a fourth part is ignored. */
export function splitToken(token: unknown): ExplainedPart[] {
  if (typeof token !== 'string') return []
  let start = 0
  return token.split('.', PARTS.length).map((text, at) => {
    // `split` returns no more than these.
    const [name, meaning] = PARTS[at] as (typeof PARTS)[number]
    const part = { name, start, end: start + text.length, meaning, ...readPart(name, text, token.length) }
    start = part.end + 1
    return part
  })
}

/** Returns true if a token has three parts. */
export function hasThreeParts(token: unknown): token is string {
  return typeof token === 'string' && token.split('.', PARTS.length + 1).length === PARTS.length
}

function readPart(
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

/** Returns the differences between a token and the original: claim by claim if both can be read. */
export function compareParts(
  parts: readonly ExplainedPart[],
  originals: readonly ExplainedPart[],
  token: string,
  original: string,
): Change[] {
  return (['header', 'payload', 'signature'] as const).flatMap((name) => {
    const part = parts.find((candidate) => candidate.name === name)
    const before = originals.find((candidate) => candidate.name === name)
    if (sliceOut(token, part) === sliceOut(original, before)) return []
    const members = part?.value && before?.value ? compareMembers(name, part.value, before.value) : []
    // The same members in another spelling are a different part: the signature is over the spelling.
    return members.length > 0 ? members : [{ part: name }]
  })
}

function sliceOut(token: string, part: ExplainedPart | undefined): string | undefined {
  return part && token.slice(part.start, part.end)
}

function compareMembers(
  part: ExplainedPart['name'],
  is: Readonly<Record<string, unknown>>,
  was: typeof is,
): Change[] {
  const names = new Set([...Object.keys(was), ...Object.keys(is)])
  return [...names]
    .map((claim) => ({ part, claim, was: readOwn(was, claim), is: readOwn(is, claim) }))
    .filter((change) => !isDeepStrictEqual(change.is, change.was))
}

function readOwn(members: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined
}
