import { type Change, compareParts } from './compare.ts'
import { JwtKitError, type JwtKitErrorCode, type TokenPart } from './errors.ts'
import { type ExplainedPart, hasThreeParts, takeApart } from './parts.ts'
import { render } from './render.ts'
import { algorithmInWords, durationInWords, MEANINGS, TIMES, timeInWords } from './words.ts'

/** A claim, or a member of the header. */
export interface ExplainedClaim {
  /** Where it stands. */
  readonly part: 'header' | 'payload'
  /** As it is written: `exp`. */
  readonly name: string
  /** As it is written. */
  readonly value: unknown
  /** What it says: the schema's `description`, or the meaning that RFC 7515 or RFC 7519 gives it. */
  readonly meaning: string
  /** Its value in words, for a time or an algorithm. */
  readonly words?: string
}

/** Whether a token would be accepted, and why. */
export interface Verdict {
  /** Undefined where it takes the key to tell. */
  readonly accepted: boolean | undefined
  /** Why, as a sentence. */
  readonly reason: string
  /** How to mend it. */
  readonly hint?: string
  /** Which error `verify` would throw. */
  readonly code?: JwtKitErrorCode
  /** The part at fault. */
  readonly part?: TokenPart
  /** The claim at fault, by name. */
  readonly claim?: string
}

/** A token, explained. It holds what the token says, but not the token. */
export interface Explanation {
  /** All of it in words, for a terminal. */
  readonly text: string
  /** Its parts, in order. */
  readonly parts: readonly ExplainedPart[]
  /** What stands in its header and its payload, in order. */
  readonly claims: readonly ExplainedClaim[]
  /** Whether it would be accepted. */
  readonly verdict: Verdict
  /** What was tampered with, compared to the original. */
  readonly changes: readonly Change[]
  /** That the payload is not encrypted. */
  readonly note: string
}

/** What {@link explainToken} may be told. */
export interface ExplainOptions {
  /** The token as it was issued, to see what was changed. */
  readonly original?: string
  /** The clock, in milliseconds since the epoch. @default Date.now */
  readonly now?: () => number
}

/** Said with every explanation. */
export const NOTE =
  'The payload is not encrypted, only encoded: whoever holds the token can read all of it. The signature keeps it from being ' +
  'changed, not from being read.'

/**
 * Explains a token without any key: what its three parts say, and what can be told of it from the outside. Takes whatever it
 * is given, and never throws.
 *
 * @example
 * ```js
 * import { explainToken } from '@auth-primer/jwt-kit'
 *
 * const { claims, verdict } = explainToken('eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UifQ.AAAA')
 * console.log(claims.map(({ name, value, meaning }) => `${name} ${value}: ${meaning}`).join('; ')) // alg HS256: how the signature was made; iss joe: who issued it
 * console.log(verdict.accepted) // undefined
 * ```
 */
export function explainToken(token: string, { original, now = Date.now }: ExplainOptions = {}): Explanation {
  return explainWith(token, { original, now: now() / 1000 })
}

/** How a token is explained by one who knows more of it. */
export interface Explainer {
  readonly original: string | undefined
  /** Seconds since the epoch. */
  readonly now: number
  readonly describe?: (claim: string) => string | undefined
  /** The verdict; what can be told without a key, where it is left out. */
  readonly verdict?: Verdict
}

/** Explains a token with the descriptions and the verdict that are given. */
export function explainWith(token: unknown, { original, now, describe, verdict }: Explainer): Explanation {
  const parts = takeApart(token)
  const claims = parts.flatMap((part) => explainMembers(part, now, describe))
  const changes =
    original === undefined
      ? []
      : compareParts(parts, takeApart(original), typeof token === 'string' ? token : '', original)
  const explained = { parts, claims, verdict: verdict ?? outside(token, parts, now), changes, note: NOTE }
  return { text: render(explained, original !== undefined), ...explained }
}

function explainMembers(
  { name: part, value }: ExplainedPart,
  now: number,
  describe: Explainer['describe'],
): ExplainedClaim[] {
  if (value === undefined || part === 'signature') return []
  return Object.entries(value).map(([name, member]) => {
    const own = part === 'payload' ? describe?.(name) : undefined
    const standard = Object.hasOwn(MEANINGS[part], name) ? MEANINGS[part][name] : undefined
    const meaning = own ?? standard ?? 'not described'
    const words = inWords(part, name, member, now)
    return { part, name, value: member, meaning, ...(words !== undefined && { words }) }
  })
}

function inWords(part: 'header' | 'payload', name: string, value: unknown, now: number): string | undefined {
  if (part === 'header') return name === 'alg' ? algorithmInWords(value) : undefined
  return TIMES.has(name) ? timeInWords(value, now) : undefined
}

// What is seen without the key: a token that is broken or late is so for everyone.
function outside(token: unknown, parts: readonly ExplainedPart[], now: number): Verdict {
  const broken = parts.find((part) => part.problem !== undefined)
  if (!hasThreeParts(token)) return refused('token', 'It has not three parts with a dot between them')
  if (broken !== undefined) return refused(broken.name, `The ${broken.name} ${broken.problem}`)
  const exp = parts[1]?.value?.exp
  if (typeof exp === 'number' && now >= exp) {
    return {
      ...refused('payload', `It expired ${durationInWords(now - exp)} ago`),
      code: 'JWT_KIT_EXPIRED',
      claim: 'exp',
    }
  }
  return { accepted: undefined, reason: 'Whether the signature is right can only be told with the key' }
}

function refused(part: TokenPart, reason: string): Verdict {
  return { accepted: false, code: 'JWT_KIT_MALFORMED', part, reason }
}

/** The verdict of a kit that refused a token. */
export function verdictOf(problem: unknown): Verdict {
  if (!(problem instanceof JwtKitError)) throw problem
  const { code, message: reason, hint, part, claim } = problem
  return { accepted: false, code, reason, hint, ...(part && { part }), ...(claim && { claim }) }
}
