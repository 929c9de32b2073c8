// @ts-check

import { drawResponse, mark, once, results } from './bench.js'
import { fill, h } from './dom.js'
import { hashLine } from './hash-line.js'
import { otherThan } from './made-up.js'
import { time } from './words.js'

/**
 * Shows a login step by step, with one of the bench's own hashes as the stored one.
 *
 * @param {import('./hash-line.js').Hash[]} hashes
 * @param {string} password of which they are
 * @param {import('./context.js').Context} context
 */
export function comparing(hashes, password, context) {
  const output = results('The comparison')
  const attempt = h('input', {
    value: otherThan(password),
    size: 24,
    spellcheck: 'false',
    autocomplete: 'off',
    maxlength: 1024,
    required: true,
  })
  const which = h(
    'select',
    {},
    hashes.map(({ id }, index) => h('option', { value: id }, `hash ${index + 1}`)),
  )
  const compare = once(output, async () => {
    const reply = await context.api('POST', '/xray/bench/hash/compare', {
      json: { id: which.value, password: attempt.value },
    })
    fill(
      output,
      reply.status === 200
        ? steps(reply.body)
        : h('div', { class: 'card bad' }, drawResponse(reply, context)),
    )
  })
  return h(
    'div',
    {},
    h('h3', {}, 'Compare, step by step'),
    h(
      'form',
      { class: 'row', onsubmit: compare },
      h('label', {}, 'Someone types', attempt),
      h('label', {}, 'and the stored hash is', which),
      h('button', {}, 'Compare'),
    ),
    output,
  )
}

/** @param {{ stored: any, computed: any, ms: number, equal: boolean, verdict: { ok: boolean, reason?: string } }} comparison */
function steps({ stored, computed, ms, equal, verdict }) {
  return h(
    'ol',
    { class: 'steps card' },
    h(
      'li',
      {},
      h('h4', {}, 'Read the stored hash'),
      h('p', {}, 'It contains its cost and its salt.'),
      hashLine(stored),
    ),
    h(
      'li',
      {},
      h('h4', {}, 'Hash what was typed, with that salt and that cost'),
      h('p', {}, `It takes the same work as at sign-up: ${time(ms)}.`),
      hashLine(computed),
    ),
    h(
      'li',
      {},
      h('h4', {}, 'Compare the digests, in constant time'),
      h(
        'p',
        {},
        mark(equal),
        equal ? ' They are equal.' : ' They differ.',
        ' All 31 characters are compared even if the first one differs, so the time reveals nothing.',
      ),
    ),
    h(
      'li',
      {},
      h('h4', {}, 'The verdict of auth-hash'),
      h(
        'p',
        { class: 'verdict' },
        mark(verdict.ok),
        verdict.ok ? ' accepted' : [' rejected: ', h('code', {}, verdict.reason)],
      ),
      equal &&
        !verdict.ok &&
        h('p', {}, 'bcrypt by itself would have accepted it, because it reads only 72 bytes.'),
    ),
  )
}
