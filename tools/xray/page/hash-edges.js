// @ts-check

import { answerOf, errorLink, mark, once, results } from './bench.js'
import { fill, h } from './dom.js'

/**
 * What each pair of passwords is, and what is to be learnt from it.
 *
 * @type {Record<string, { name: string, hashed: string, tried: string, why: string }>}
 */
const EDGES = {
  '73rd-byte': {
    name: 'The 73rd byte',
    hashed: '72 × a, and X',
    tried: '72 × a, and Y',
    why: 'bcrypt reads 72 bytes and drops the rest without a word, so the wrong password is let in. auth-hash hashes none that is longer.',
  },
  nul: {
    name: 'NUL',
    hashed: 'secret, NUL, one',
    tried: 'secret, NUL, two',
    why: 'Where a text ends at NUL, as in C, both would be “secret”. The bcrypt used here reads on; others do not, and a hash may move. auth-hash hashes none with NUL.',
  },
  'normal-form': {
    name: 'NFC and NFD',
    hashed: 'café, é as one sign',
    tried: 'café, e and an accent',
    why: 'They look the same, and keyboards differ in which one they type. auth-hash brings both into one form (NFC) first: the right password is let in.',
  },
}

/** @param {import('./context.js').Context} context */
export function edges(context) {
  const output = results('The edges')
  const run = once(output, async () => {
    const answer = await context.api('POST', '/xray/bench/hash/edges')
    if (answer.status !== 200) return fill(output, h('div', { class: 'card bad' }, answerOf(answer, context)))
    fill(output, h('div', { class: 'thirds' }, answer.body.map(edge)))
  })
  return h(
    'div',
    {},
    h('h3', {}, 'At the edges'),
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
      fact('bcrypt alone', said(bcrypt, edge)),
      fact(
        'auth-hash',
        typeof authHash === 'string'
          ? [mark(true), ' refuses to hash it: ', errorLink(authHash)]
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
  // Of the same password in two forms, it is right to let it in.
  const isRight = isIn === (edge === 'normal-form')
  return [mark(isRight), isIn ? ' lets it in' : ' does not let it in']
}

/**
 * @param {string} name
 * @param {import('./dom.js').Child | import('./dom.js').Child[]} value
 */
function fact(name, value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value))
}
