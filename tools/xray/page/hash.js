// @ts-check

import { drawResponse, once, results, tag } from './bench.js'
import { fill, h } from './dom.js'
import { comparing } from './hash-compare.js'
import { costs } from './hash-costs.js'
import { edges } from './hash-edges.js'
import { hashLine } from './hash-line.js'
import { madeUp } from './made-up.js'
import { time } from './words.js'

/**
 * @param {HTMLElement} section
 * @param {import('./context.js').Context} context
 */
export function mount(section, context) {
  section.classList.add('bench')
  fill(
    section,
    h('h2', {}, 'A hash: one password, and no way back'),
    h(
      'p',
      {},
      'Hash a password twice, and you get two different hashes, because each has its own salt. The bench hashes only what you type here. It reads ',
      'no table. The end of each hash stays in the service, so no complete hash ever leaves it.',
    ),
    twice(context),
    costs(context),
    edges(context),
  )
}

/** @param {import('./context.js').Context} context */
function twice(context) {
  const output = results('The hashes')
  const password = h('input', {
    value: madeUp(),
    size: 24,
    spellcheck: 'false',
    autocomplete: 'off',
    maxlength: 1024,
    required: true,
  })
  const cost = h(
    'select',
    {},
    [10, 11, 12, 13, 14].map((one) => h('option', {}, one)),
  )
  const hash = once(output, async () => {
    const reply = await context.api('POST', '/xray/bench/hash', {
      json: { password: password.value, cost: Number(cost.value) },
    })
    if (reply.status !== 200)
      return fill(output, h('div', { class: 'card bad' }, drawResponse(reply, context)))
    /** @type {import('./hash-line.js').Hash[]} */
    const hashes = reply.body
    fill(
      output,
      h(
        'div',
        { class: 'card' },
        hashes.map((one, index) =>
          h(
            'div',
            { class: 'hash' },
            h('p', {}, h('b', {}, `Hash ${index + 1} `), h('small', {}, time(one.ms))),
            hashLine(one),
          ),
        ),
        h(
          'p',
          {},
          tag('= same'),
          ' password and cost. ',
          tag('≠ different'),
          ' salt, and therefore another digest.',
        ),
      ),
      comparing(hashes, password.value, context),
    )
  })
  return h(
    'div',
    {},
    h(
      'form',
      { class: 'row', onsubmit: hash },
      h('label', {}, 'Password, made up for this bench', password),
      h('label', {}, 'Cost', cost),
      h('button', { class: 'main' }, 'Hash it twice'),
    ),
    output,
  )
}
