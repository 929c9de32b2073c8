// @ts-check

import { errorLink, timelineButton } from './bench.js'
import { h } from './dom.js'
import { svg } from './svg.js'
import { time } from './words.js'

/** @typedef {{ request: string, status: number, waitedMs: number, workedMs: number }} Turn */

const WIDTH = 1000
const ROW = 9

/**
 * Draws how long each of many simultaneous requests waited.
 *
 * @param {Turn[]} turns
 * @param {import('./context.js').Context} context
 */
export function drawCrowd(turns, context) {
  const sorted = turns.toSorted((one, other) => one.waitedMs - other.waitedMs)
  const served = sorted.filter(({ status }) => status === 200)
  const refused = sorted.filter(({ status }) => status !== 200)
  const longest = Math.max(...sorted.map(({ waitedMs, workedMs }) => waitedMs + workedMs))
  const median = served[Math.floor(served.length / 2)]
  const last = refused.at(-1) ?? served.at(-1)
  return h(
    'div',
    { class: 'card' },
    h('h3', {}, '50 requests, a pool of 5'),
    h(
      'p',
      { class: 'verdict' },
      h('span', { class: 'good' }, `✓ ${served.length} served`),
      ' · ',
      h('span', { class: 'bad' }, `✗ ${refused.length} rejected`),
    ),
    h(
      'p',
      {},
      `Half of those served waited ${time(median?.waitedMs ?? 0)} or longer for a connection. `,
      refused.length > 0 && [
        'The others got a 503, ',
        errorLink('OVERLOADED'),
        ', after 0.4 s, with a Retry-After of one second.',
      ],
    ),
    h(
      'ul',
      { class: 'legend' },
      h('li', {}, h('span', { class: 'swatch waited' }), ' waits for a connection'),
      h('li', {}, h('span', { class: 'swatch worked' }), ' has one'),
      h('li', {}, h('b', { class: 'bad' }, '✗'), ' rejected'),
    ),
    bars(sorted, longest),
    h('p', { class: 'scale small' }, h('span', {}, '0 ms'), h('span', {}, time(longest))),
    last && timelineButton(last.request, context),
  )
}

/**
 * @param {Turn[]} turns
 * @param {number} longest
 */
function bars(turns, longest) {
  const x = (/** @type {number} */ ms) => (ms / longest) * (WIDTH - 20)
  const rows = turns.flatMap(({ status, waitedMs, workedMs }, index) => {
    const y = index * ROW
    const end = x(waitedMs)
    const waited = svg('rect', { x: 0, y: y + 2, width: end, height: ROW - 5, class: 'waited' })
    return status === 200
      ? [waited, svg('rect', { x: end, y, width: x(workedMs), height: ROW - 1, class: 'worked' })]
      : [waited, svg('path', { d: `M${end + 4} ${y + 1}l6 6m0 -6l-6 6`, class: 'refused' })]
  })
  return svg(
    'svg',
    {
      viewBox: `0 0 ${WIDTH} ${turns.length * ROW}`,
      class: 'crowd',
      role: 'img',
      'aria-label': 'One line per request, sorted by how long it waited',
    },
    ...rows,
  )
}
