// @ts-check

import { h } from './dom.js'

/**
 * The parts of a hash that the service sends.
 *
 * @typedef {object} Hash
 * @property {string} id
 * @property {number} ms
 * @property {string} version
 * @property {number} cost
 * @property {string} salt
 * @property {string} digest its beginning
 * @property {number} kept the number of further characters
 */

/**
 * Draws a hash as it is stored, with the name of each part below it.
 *
 * @param {Omit<Hash, 'id' | 'ms'>} hash
 */
export function hashLine({ version, cost, salt, digest, kept }) {
  return h(
    'dl',
    { class: 'line mono' },
    part('version', `$${version}`, 'bcrypt’s version'),
    part('cost', `$${cost}$`, `cost: ${(2 ** cost).toLocaleString('en')} rounds`),
    part('salt', salt, 'salt: random, not secret'),
    part('digest', `${digest}…`, `digest (${kept} more characters)`),
  )
}

/**
 * @param {string} name
 * @param {string} text
 * @param {string} what
 */
function part(name, text, what) {
  return h('div', { class: name }, h('dd', {}, text), h('dt', {}, what))
}
