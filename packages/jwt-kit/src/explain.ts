import { JwtKitError, type JwtKitErrorCode, type TokenPart } from './errors.ts'
import { algorithmInWords, durationInWords, MEANINGS, render, TIMES, timeInWords } from './explain-text.ts'
import { checkOptionNames } from './option-checks.ts'
import { type Change, compareParts, type ExplainedPart, hasThreeParts, splitToken } from './token-parts.ts'

/** A claim, or a member of the header. */
export interface ExplainedClaim {
  /** The part that it is in. */
  readonly part: 'header' | 'payload'
  /** Its name in the token: `exp`. */
  readonly name: string
  /** Its value in the token. */
  readonly value: unknown
  /** The `description` in the schema, or the meaning in RFC 7515 or RFC 7519. */
  readonly meaning: string
  /** Its value in words, if it is a time or an algorithm. */
  readonly words?: string
}

/** The result: if a token is accepted, and why. */
export interface Verdict {
  /** Undefined if it depends on the key, which is not known. */
  readonly accepted: boolean | undefined
  /** The reason, as a sentence. */
  readonly reason: string
  /** The way to fix it. */
  readonly hint?: string
  /** The code of the error that `verify` throws. */
  readonly code?: JwtKitErrorCode
  /** The part at fault. */
  readonly part?: TokenPart
  /** The name of the claim at fault. */
  readonly claim?: string
}

/** The explanation of a token. It contains what the token says, but not the token. */
export interface Explanation {
  /** All of it as text, for a terminal. */
  readonly text: string
  /** The parts of the token, in order. */
  readonly parts: readonly ExplainedPart[]
  /** The members of its header and its payload, in order. */
  readonly claims: readonly ExplainedClaim[]
  /** The result: if it is accepted, and why. */
  readonly verdict: Verdict
  /** The differences to the original. */
  readonly changes: readonly Change[]
  /** A reminder that the payload is not encrypted. */
  readonly note: string
}

/** The options of {@link explainToken}. */
export interface ExplainOptions {
  /** The token as it was issued, to find what was changed. */
  readonly original?: string
  /** The clock, in milliseconds since the epoch. @default Date.now */
  readonly now?: () => number
}

/** Part of every explanation. */
export const NOTE =
  'The payload is not encrypted, only encoded: anyone who holds the token can read all of it. The signature keeps it from ' +
  'being changed, not from being read.'

/**
 * Explains a token without a key: what its three parts say, and what can be decided without the key. It accepts every value.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` for an unknown option.
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
export function explainToken(token: string, options: ExplainOptions = {}): Explanation {
  checkOptionNames('explainToken', options, ['original', 'now'])
  const { original, now = Date.now } = options
  return explainWith(token, { original, now: now() / 1000 })
}

/** The context in which a token is explained. */
export interface Explainer {
  readonly original: string | undefined
  /** Seconds since the epoch. */
  readonly now: number
  readonly describe?: (claim: string) => string | undefined
  /** The verdict. Without one, the verdict is what can be decided without the key. */
  readonly verdict?: Verdict
}

/** Explains a token with the given descriptions and verdict. */
export function explainWith(token: unknown, { original, now, describe, verdict }: Explainer): Explanation {
  const parts = splitToken(token)
  const claims = parts.flatMap((part) => explainMembers(part, now, describe))
  const changes =
    original === undefined
      ? []
      : compareParts(parts, splitToken(original), typeof token === 'string' ? token : '', original)
  const explained = {
    parts,
    claims,
    verdict: verdict ?? judgeWithoutKey(token, parts, now),
    changes,
    note: NOTE,
  }
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

// Some things can be decided without the key: malformed and expired tokens are invalid for everyone.
function judgeWithoutKey(token: unknown, parts: readonly ExplainedPart[], now: number): Verdict {
  const broken = parts.find((part) => part.problem !== undefined)
  if (!hasThreeParts(token)) return refused('token', 'It does not have three parts with a dot between them')
  if (broken !== undefined) return refused(broken.name, `The ${broken.name} ${broken.problem}`)
  const exp = parts[1]?.value?.exp
  if (typeof exp === 'number' && now >= exp) {
    return {
      ...refused('payload', `It expired ${durationInWords(now - exp)} ago`),
      code: 'JWT_KIT_EXPIRED',
      claim: 'exp',
    }
  }
  return { accepted: undefined, reason: 'Only the key can tell whether the signature is right' }
}

function refused(part: TokenPart, reason: string): Verdict {
  return { accepted: false, code: 'JWT_KIT_MALFORMED', part, reason }
}

/** Turns the error of a kit that refused a token into a verdict. */
export function describeError(problem: unknown): Verdict {
  if (!(problem instanceof JwtKitError)) throw problem
  const { code, message: reason, hint, part, claim } = problem
  return { accepted: false, code, reason, hint, ...(part && { part }), ...(claim && { claim }) }
}
