import type { ExplainedClaim, Explanation } from './explain.ts'
import type { Change, ExplainedPart } from './token-parts.ts'

/** Renders an explanation as text. */
export function render(explained: Omit<Explanation, 'text'>, compared: boolean): string {
  const { parts, claims, verdict, changes, note } = explained
  const lines = parts.flatMap((part) => [...renderPart(part, claims), ''])
  lines.push(note, '')
  if (compared) lines.push(...renderChanges(changes), '')
  lines.push(renderVerdict(verdict))
  return lines.join('\n')
}

function renderPart(part: ExplainedPart, claims: readonly ExplainedClaim[]): string[] {
  const title = `${part.name.toUpperCase()} (characters ${part.start} to ${part.end}): ${part.meaning}`
  if (part.problem !== undefined) return [title, `  The ${part.name} ${part.problem}.`]
  if (part.name === 'signature') return [title, `  ${part.bytes} bytes`]
  const rows = claims.filter((claim) => claim.part === part.name)
  return [title, ...rows.map(renderClaim)]
}

function renderClaim({ name, value, meaning, words }: ExplainedClaim): string {
  const said = words === undefined ? meaning : `${meaning}: ${words}`
  return `  ${quoteName(name)} = ${printable(value)}  ${said}`
}

// A name that is one word needs no quotes.
function quoteName(name: string): string {
  return /^\w+$/.test(name) ? name : printable(name)
}

function renderChanges(changes: readonly Change[]): string[] {
  if (changes.length === 0) return ['Compared to the original: not a character was changed.']
  return ['Compared to the original:', ...changes.map(renderChange)]
}

function renderChange({ part, claim, was, is }: Change): string {
  if (claim === undefined) return `  the ${part} was changed`
  const name = `  ${quoteName(claim)} in the ${part}`
  if (was === undefined) return `${name} was added: ${printable(is)}`
  if (is === undefined) return `${name} was removed; it was ${printable(was)}`
  return `${name} was changed from ${printable(was)} to ${printable(is)}`
}

function renderVerdict({ accepted, reason, hint, code, claim }: Explanation['verdict']): string {
  const word =
    accepted === undefined ? 'VERDICT: not known' : accepted ? 'VERDICT: accepted' : 'VERDICT: refused'
  const where = [code, claim].filter((item) => item !== undefined).join(', ')
  return `${word}. ${reason}${where && ` (${where})`}.${hint === undefined ? '' : ` ${hint}`}`
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** Writes a number of seconds in the largest unit that it fills: `30 minutes`. */
export function durationInWords(length: number): string {
  const whole = Math.floor(Math.abs(length))
  const [unit, size] = UNITS.find(([, seconds]) => whole >= seconds) ?? UNITS[3]
  const count = Math.floor(whole / size)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

/** Writes a NumericDate as a time and as a distance from now; undefined if it is not a time. */
export function timeInWords(value: unknown, now: number): string | undefined {
  if (typeof value !== 'number') return undefined
  const moment = new Date(value * 1000)
  if (Number.isNaN(moment.getTime())) return undefined
  const text = moment
    .toISOString()
    .replace('T', ' ')
    .replace(/(\.000)?Z$/, ' UTC')
  const distance = durationInWords(value - now)
  if (distance === '0 seconds') return `${text}, now`
  return value > now ? `${text}, in ${distance}` : `${text}, ${distance} ago`
}

/** The meanings of the registered claims (RFC 7519 §4.1) and of the members of a header (RFC 7515 §4.1). */
export const MEANINGS: Readonly<Record<'header' | 'payload', Readonly<Record<string, string>>>> = {
  header: {
    alg: 'how the signature was made',
    typ: 'the kind of token',
    kid: 'which key signed it, by key id',
    cty: 'what the payload is',
    crit: 'extensions that a reader must understand',
    jwk: 'a key that the sender brings along, which proves nothing',
    jku: 'where the sender says that its keys are, which proves nothing',
    x5c: 'a certificate that the sender brings along, which proves nothing',
    x5u: 'where the sender says that its certificate is, which proves nothing',
  },
  payload: {
    iss: 'who issued it',
    aud: 'whom it is for',
    sub: 'whom it is about',
    iat: 'when it was issued',
    exp: 'from when on it is no longer accepted',
    nbf: 'before when it is not accepted',
    jti: 'the id of this one token',
  },
}

/** The claims that are times. */
export const TIMES: ReadonlySet<string> = new Set(['iat', 'exp', 'nbf', 'auth_time'])

const FAMILIES: Readonly<Record<string, string>> = {
  HS: 'HMAC with SHA-%: one secret signs and verifies',
  ES: 'ECDSA with SHA-%: a private key signs, its public half verifies',
  RS: 'RSA with SHA-%: a private key signs, its public half verifies',
  PS: 'RSA-PSS with SHA-%: a private key signs, its public half verifies',
}
const ED25519 = 'Ed25519: a private key signs, its public half verifies'
const ALGORITHMS: ReadonlyMap<unknown, string> = new Map([
  ['Ed25519', ED25519],
  ['EdDSA', ED25519],
  ['none', 'no signature at all: never to be accepted'],
])

/** Writes an `alg` in words; undefined if it is unknown. */
export function algorithmInWords(alg: unknown): string | undefined {
  const [, family = '', bits = ''] = /^([HERP]S)(256|384|512)$/.exec(String(alg)) ?? []
  return ALGORITHMS.get(alg) ?? FAMILIES[family]?.replace('%', bits)
}

/** Writes a JSON value as text that is safe on a terminal: without control characters, and none that turn the direction of text. */
export function printable(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
