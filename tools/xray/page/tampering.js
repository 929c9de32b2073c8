// @ts-check

import { decode, encode, join, signWithAnotherSecret, split } from './jwt.js'

/**
 * A way to change a token, or to replace it with another.
 *
 * @typedef {object} Tampering
 * @property {string} name of its button
 * @property {string} by the maker of the token that is sent
 * @property {(user: import('./context.js').User, context: import('./context.js').Context) => Promise<string> | string} make
 * @property {boolean} [refresh] true if it needs a refresh token
 * @property {boolean} [bench] true if the service signs it
 */

/** @typedef {{ part: string, member?: string, was: string, is: string }} Change */

/** @type {Tampering[]} */
export const TAMPERINGS = [
  {
    name: 'Send it as it is',
    by: 'the login',
    make: ({ access_token }) => access_token,
  },
  {
    name: 'Set alg to none',
    by: 'this page: the header says that the token is not signed, and it is not',
    make: ({ access_token }) => {
      const parts = split(access_token)
      return join({ ...parts, header: encode({ ...decode(parts.header), alg: 'none' }), signature: '' })
    },
  },
  {
    name: 'Cut the signature',
    by: 'this page: the last two characters are gone',
    make: ({ access_token }) => access_token.slice(0, -2),
  },
  {
    name: 'Flip a character of the signature',
    by: 'this page: one of 43 characters is different',
    make: ({ access_token }) => {
      const parts = split(access_token)
      const [first = ''] = parts.signature
      return join({ ...parts, signature: (first === 'A' ? 'B' : 'A') + parts.signature.slice(1) })
    },
  },
  {
    name: 'Expire it',
    by: 'the service, for this bench: correctly signed, but a year old. The page cannot make it, because a changed exp breaks the signature',
    make: (user, context) => signedByTheService('expired', user, context),
    bench: true,
  },
  {
    name: 'Sign with another secret',
    by: 'this page, with its own secret, under the name of the service’s key',
    make: ({ access_token }) => signWithAnotherSecret(split(access_token)),
  },
  {
    name: 'Sign with a key of my own name',
    by: 'this page, with its own secret, which the header calls “mine”',
    make: ({ access_token }) => {
      const { header, payload } = split(access_token)
      return signWithAnotherSecret({ header: encode({ ...decode(header), kid: 'mine' }), payload })
    },
  },
  {
    name: 'Send the refresh token instead',
    by: 'the login: a valid refresh token, but not an access token',
    make: ({ refresh_token }) => refresh_token,
    refresh: true,
  },
  {
    name: 'Call it another kind of token',
    by: 'this page: the header names another purpose',
    make: ({ access_token }) => {
      const parts = split(access_token)
      return join({ ...parts, header: encode({ ...decode(parts.header), typ: 'invitation+jwt' }) })
    },
  },
  {
    name: 'Send a token of another issuer',
    by: 'the service, for this bench: correctly signed, but as another service that has the same secret',
    make: (user, context) => signedByTheService('other-issuer', user, context),
    bench: true,
  },
]

/**
 * Changes a claim. The signature stays as it was, since the page has no key to make the right one.
 *
 * @param {string} token
 * @param {string} claim
 * @param {unknown} value
 */
export function withClaim(token, claim, value) {
  const parts = split(token)
  return join({ ...parts, payload: encode({ ...decode(parts.payload), [claim]: value }) })
}

/**
 * Returns the differences of two tokens: part by part, and member by member if both can be decoded.
 *
 * @param {string} before
 * @param {string} after
 * @returns {Change[]}
 */
export function changes(before, after) {
  if (before === after) return []
  if (after.split('.').length !== 3) return [{ part: 'token', was: shortened(before), is: shortened(after) }]
  const [one, other] = [split(before), split(after)]
  /** @type {Change[]} */
  const found = []
  for (const part of /** @type {const} */ (['header', 'payload'])) {
    const [was, is] = [decode(one[part]), decode(other[part])]
    for (const member of new Set([...Object.keys(was), ...Object.keys(is)])) {
      if (text(was[member]) !== text(is[member]))
        found.push({ part, member, was: text(was[member]), is: text(is[member]) })
    }
  }
  if (one.signature !== other.signature)
    found.push({ part: 'signature', was: shortened(one.signature), is: shortened(other.signature) })
  return found
}

/** @param {unknown} value */
function text(value) {
  return value === undefined ? '(not there)' : JSON.stringify(value)
}

/** @param {string} text */
function shortened(text) {
  if (text === '') return '(nothing)'
  return text.length > 30 ? `${text.slice(0, 12)} … ${text.slice(-12)}, ${text.length} characters` : text
}

/**
 * @param {string} flaw
 * @param {import('./context.js').User} user
 * @param {import('./context.js').Context} context
 * @returns {Promise<string>}
 */
async function signedByTheService(flaw, { access_token: token }, { api }) {
  const { status, body } = await api('POST', '/xray/bench/token', { token, json: { flaw } })
  if (status !== 200) throw new Error(`The bench signs only for a logged-in user: ${body.detail ?? status}`)
  return body.token
}
