// @ts-check

import { service } from './service.js'

/**
 * The names of header members (RFC 7515, section 4.1) and registered claims (RFC 7519, section 4.1), and the meaning of each
 * in this token.
 *
 * @type {Record<string, { name: string, describe: (value: any) => string }>}
 */
const WORDS = {
  alg: {
    name: 'algorithm',
    describe: (value) =>
      value === 'HS256'
        ? 'HMAC with SHA-256: one secret signs and verifies'
        : 'the algorithm that the header names',
  },
  typ: {
    name: 'type',
    describe: (value) => (value === 'access+jwt' ? 'the kind of token: one for access' : 'the kind of token'),
  },
  kid: { name: 'key id', describe: (value) => `the key called “${value}” signed it` },
  iss: { name: 'issuer', describe: (value) => `${value} issued it` },
  sub: { name: 'subject', describe: (value) => `it is about user ${value}` },
  aud: { name: 'audience', describe: (value) => `it is meant for ${value}` },
  exp: {
    name: 'expiration time',
    describe: (value) => `valid until ${clock(value)}`,
  },
  nbf: { name: 'not before', describe: (value) => `valid from ${clock(value)} on` },
  iat: { name: 'issued at', describe: (value) => `signed at ${clock(value)}` },
  jti: { name: 'token id', describe: () => 'the id of this token' },
}

/**
 * @param {string} member
 * @param {unknown} value
 */
export function inWords(member, value) {
  const words = Object.hasOwn(WORDS, member) ? WORDS[member] : undefined
  return words
    ? { name: words.name, meaning: words.describe(value) }
    : { name: 'private claim', meaning: service.claims?.[member] ?? 'a claim of the service’s own' }
}

/**
 * Formats a duration, such as `29 min 41 s`.
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  const whole = Math.abs(Math.round(seconds))
  if (whole >= 172_800) return `${Math.round(whole / 86_400)} days`
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  return [hours && `${hours} h`, minutes && `${minutes} min`, hours ? '' : `${whole % 60} s`]
    .filter(Boolean)
    .join(' ')
}

/** @param {unknown} seconds since 1970 */
function clock(seconds) {
  return new Date(Number(seconds) * 1000).toLocaleTimeString('en-GB')
}
