// @ts-check

import { drawResponse, errorLink, mark, once, results } from './bench.js'
import { fill, h } from './dom.js'

/**
 * Describes each pair of passwords, and what it teaches.
 *
 * @type {Record<string, { name: string, hashed: string, tried: string, why: string }>}
 */
const EDGES = {
  '73rd-byte': {
    name: 'The 73rd byte',
    hashed: '72 × a, and X',
    tried: '72 × a, and Y',
    why: 'bcrypt reads 72 bytes and silently drops the rest, so the wrong password is accepted. auth-hash rejects a longer password.',
  },
  nul: {
    name: 'NUL',
    hashed: 'secret, NUL, one',
    tried: 'secret, NUL, two',
    why: 'In C, a string ends at NUL, so both would be “secret”. The bcrypt used here reads on, but others do not. auth-hash rejects a password with NUL, so a hash means the same everywhere.',
  },
  'normal-form': {
    name: 'NFC and NFD',
    hashed: 'café, with é as one character',
    tried: 'café, with e and an accent',
    why: 'They look the same, and different keyboards type different ones. auth-hash normalizes both to NFC first, so the right password is accepted.',
  },
}

/** @param {import('./context.js').Context} context */
export function edges(context) {
  const output = results('The edges')
  const run = once(output, async () => {
    const reply = await context.api('POST', '/xray/bench/hash/edges')
    if (reply.status !== 200)
      return fill(output, h('div', { class: 'card bad' }, drawResponse(reply, context)))
    fill(output, h('div', { class: 'thirds' }, reply.body.map(edge)))
  })
  return h(
    'div',
    {},
    h('h3', {}, 'Edge cases'),
    h('p', { class: 'row' }, h('button', { type: 'button', onclick: run }, 'Hash one, try the other')),
    output,
  )
}

/** @param {{ edge: string, bytes: [number, number], bcrypt: boolean, authHash: boolean | string }} result */
function edge({ edge, bytes, bcrypt, authHash }) {
  const { name = edge, hashed, tried, why } = EDGES[edge] ?? {}
  return h(
    'div',
    { class: 'card' },
    h('h4', {}, name),
    h(
      'dl',
      { class: 'facts' },
      fact('Hashed', `${hashed} (${bytes[0]} bytes)`),
      fact('Tried', `${tried} (${bytes[1]} bytes)`),
      fact('bcrypt by itself', said(bcrypt, edge)),
      fact(
        'auth-hash',
        typeof authHash === 'string'
          ? [mark(true), ' rejects it: ', errorLink(authHash)]
          : said(authHash, edge),
      ),
    ),
    h('p', {}, why),
  )
}

/**
 * @param {boolean} isIn
 * @param {string} edge
 */
function said(isIn, edge) {
  // Two forms of the same password should be accepted.
  const isRight = isIn === (edge === 'normal-form')
  return [mark(isRight), isIn ? ' accepts it' : ' rejects it']
}

/**
 * @param {string} name
 * @param {import('./dom.js').Child | import('./dom.js').Child[]} value
 */
function fact(name, value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value))
}
