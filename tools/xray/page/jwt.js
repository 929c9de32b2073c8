// @ts-check

/**
 * The parts of a token. Splitting it needs no key.
 *
 * @typedef {object} Parts
 * @property {string} header still encoded
 * @property {string} payload
 * @property {string} signature
 */

/**
 * @param {string} token
 * @returns {Parts}
 */
export function split(token) {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return { header, payload, signature }
}

/** @param {Parts} parts */
export function join({ header, payload, signature }) {
  return `${header}.${payload}.${signature}`
}

/**
 * @param {string} part
 * @returns {Record<string, any>}
 */
export function decode(part) {
  const bytes = Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (one) =>
    one.charCodeAt(0),
  )
  return JSON.parse(new TextDecoder().decode(bytes))
}

/** @param {object} members */
export function encode(members) {
  return toBase64url(new TextEncoder().encode(JSON.stringify(members)))
}

/**
 * Signs with a new random secret (HS256), which the service does not have.
 *
 * @param {Pick<Parts, 'header' | 'payload'>} parts
 */
export async function signWithAnotherSecret({ header, payload }) {
  const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(`${header}.${payload}`))
  return join({ header, payload, signature: toBase64url(new Uint8Array(signature)) })
}

/** @param {Uint8Array} bytes */
function toBase64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
