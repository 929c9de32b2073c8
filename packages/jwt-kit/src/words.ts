const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** A number of seconds in the largest unit that it fills: `30 minutes`. */
export function durationInWords(length: number): string {
  const whole = Math.floor(Math.abs(length))
  const [unit, size] = UNITS.find(([, seconds]) => whole >= seconds) ?? UNITS[3]
  const count = Math.floor(whole / size)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

/** A NumericDate as a moment and as a distance from now, or nothing where it is none. */
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

/** What the registered claims mean (RFC 7519 §4.1), and the members of a header (RFC 7515 §4.1). */
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

/** What an `alg` says, in words. */
export function algorithmInWords(alg: unknown): string | undefined {
  return ALGORITHMS.get(alg)
}

const ALGORITHMS: ReadonlyMap<unknown, string> = new Map([
  ['HS256', 'HMAC with SHA-256: one secret signs and verifies'],
  ['ES256', 'ECDSA on P-256 with SHA-256: a private key signs, its public half verifies'],
  ['EdDSA', 'Ed25519: a private key signs, its public half verifies'],
  ['RS256', 'RSA with SHA-256: a private key signs, its public half verifies'],
  ['PS256', 'RSA-PSS with SHA-256: a private key signs, its public half verifies'],
  ['none', 'no signature at all: never to be accepted'],
])

/** A JSON value as text that is safe on a terminal: no control character, and none that turns the direction of reading. */
export function printable(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
