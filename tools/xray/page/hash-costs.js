// @ts-check

import { drawResponse, once, results } from './bench.js'
import { fill, h } from './dom.js'
import { svg } from './svg.js'
import { time } from './words.js'

const COSTS = [10, 11, 12, 13, 14]

/** @param {import('./context.js').Context} context */
export function costs(context) {
  const output = results('Times by cost')
  const time = once(output, async () => {
    /** @type {Map<number, number>} */
    const times = new Map()
    draw(output, times)
    for (const cost of COSTS) {
      const reply = await context.api('POST', '/xray/bench/hash/time', { json: { cost } })
      if (reply.status !== 200)
        return fill(output, h('div', { class: 'card bad' }, drawResponse(reply, context)))
      times.set(cost, reply.body.ms)
      draw(output, times)
    }
  })
  return h(
    'div',
    {},
    h('h3', {}, 'How long each cost takes'),
    h(
      'p',
      { class: 'row' },
      h('button', { type: 'button', onclick: time }, 'Time costs 10 to 14 on this machine'),
      h('span', { class: 'muted' }, 'a few seconds, one hash at a time'),
    ),
    output,
  )
}

/**
 * @param {HTMLElement} output
 * @param {Map<number, number>} times
 */
function draw(output, times) {
  const left = COSTS.length - times.size
  fill(
    output,
    h(
      'div',
      { class: 'card columns' },
      h(
        'div',
        {},
        plot(times),
        h('p', { class: 'small' }, '┄ exact doubling, calculated back from the highest bar'),
      ),
      h(
        'div',
        {},
        h(
          'table',
          {},
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              ['Cost', 'Took', 'Guesses per hour on one core'].map((name) =>
                h('th', { scope: 'col', class: 'number' }, name),
              ),
            ),
          ),
          h(
            'tbody',
            {},
            COSTS.map((cost) => {
              const ms = times.get(cost)
              return h(
                'tr',
                {},
                h('th', { scope: 'row', class: 'number' }, cost),
                h('td', { class: 'number' }, ms === undefined ? '…' : time(ms)),
                h(
                  'td',
                  { class: 'number' },
                  ms === undefined ? '…' : Math.round(3_600_000 / ms).toLocaleString('en'),
                ),
              )
            }),
          ),
        ),
        h(
          'p',
          {},
          left > 0
            ? `${left} to go …`
            : 'Each step in cost doubles the work, for a login and for an attacker.',
        ),
      ),
    ),
  )
}

const WIDTH = 500
const HEIGHT = 300
const BASE = 260
const STEP = WIDTH / COSTS.length

/** @param {Map<number, number>} times */
function plot(times) {
  const [highest = 14, most = 1] = [...times].at(-1) ?? []
  // The next bar will be at least twice as high; the plot is scaled again then.
  const y = (/** @type {number} */ ms) => BASE - (ms / most) * 210
  const expected = (/** @type {number} */ cost) => most * 2 ** (cost - highest)
  const x = (/** @type {number} */ index) => index * STEP + STEP / 2
  const bars = [...times.values()].map((ms, index) =>
    svg('rect', { x: x(index) - 30, y: y(ms), width: 60, height: BASE - y(ms), class: 'bar' }),
  )
  const labels = COSTS.flatMap((cost, index) => {
    const ms = times.get(cost)
    const name = svg('text', { x: x(index), y: HEIGHT - 8 }, String(cost))
    return ms === undefined
      ? [name]
      : [name, svg('text', { x: x(index), y: y(Math.max(ms, expected(cost))) - 12 }, time(ms))]
  })
  // A short line for each bar: one through all of them would cross the labels.
  const doubling = COSTS.slice(0, times.size).map((cost, index) => {
    const height = y(expected(cost))
    return svg('line', { x1: x(index) - 42, x2: x(index) + 42, y1: height, y2: height, class: 'doubling' })
  })
  return svg(
    'svg',
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      class: 'plot',
      role: 'img',
      'aria-label': 'Milliseconds by cost, as in the table next to it',
    },
    svg('line', { x1: 0, x2: WIDTH, y1: BASE, y2: BASE, class: 'baseline' }),
    ...bars,
    ...doubling,
    ...labels,
  )
}
