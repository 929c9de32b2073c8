// @ts-check

import { drawResponse, errorLink, mark, once, results, tag } from './bench.js'
import { fill, h } from './dom.js'
import { decode, split } from './jwt.js'
import { required } from './login.js'
import { service } from './service.js'
import { changes, TAMPERINGS, withClaim } from './tampering.js'

/** @typedef {import('./context.js').Context} Context */
/** @typedef {import('./context.js').User} User */

/**
 * @param {User} user
 * @param {Context} context
 */
export function breaker(user, context) {
  const latest = results('The result')
  const reasons = new Set()
  const caption = h('caption')
  const rows = h('tbody')
  const all = h(
    'table',
    {},
    caption,
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ['Sent', 'What the client gets', 'What the service knows'].map((name) =>
          h('th', { scope: 'col' }, name),
        ),
      ),
    ),
    rows,
  )

  const tried = h(
    'div',
    { class: 'scrolls', tabindex: 0, role: 'region', 'aria-label': 'Tried so far', hidden: true },
    all,
  )

  /**
   * @param {string} name
   * @param {string} by
   * @param {() => Promise<string> | string} make
   */
  const send = (name, by, make) =>
    once(latest, async () => {
      const token = await make()
      const { method, path } = required(service.me)
      const reply = await context.api(method, path, { token })
      const trace = await context.trace(reply.requestId)
      const reason = trace?.reason
      fill(latest, outcome({ name, by, token, reply, reason }, user, context))
      rows.prepend(
        h(
          'tr',
          {},
          h('td', {}, name),
          h('td', {}, mark(reply.status < 400), ` ${reply.status} `, reply.body?.code ?? 'accepted'),
          h('td', {}, reason ? [errorLink(reason.code), ` ${place(reason)}`] : 'a valid token'),
        ),
      )
      if (reason) reasons.add(`${reason.code} ${place(reason)}`)
      caption.textContent = `Tried so far: ${rows.childElementCount}, rejected for ${reasons.size} different reasons`
      tried.hidden = false
    })

  return h(
    'div',
    {},
    h('h3', {}, 'Break it, and send it to the service'),
    h(
      'p',
      { class: 'row' },
      TAMPERINGS.filter(({ bench }) => !bench || service.hasTokenBench).map(({ name, by, make, refresh }) =>
        h(
          'button',
          {
            type: 'button',
            disabled: refresh && user.refresh_token === '',
            'aria-describedby': refresh && 'no-refresh-token',
            onclick: send(name, by, () => make(user, context)),
          },
          name,
        ),
      ),
    ),
    user.refresh_token === '' &&
      h('p', { id: 'no-refresh-token', class: 'muted small' }, 'This login has no refresh token to send.'),
    claimEditor(user, send),
    latest,
    tried,
  )
}

/**
 * @param {User} user
 * @param {(name: string, by: string, make: () => string) => (event: Event) => Promise<void>} send
 */
function claimEditor({ access_token }, send) {
  const claims = decode(split(access_token).payload)
  const select = h(
    'select',
    {},
    Object.keys(claims).map((claim) => h('option', { selected: claim === 'role' }, claim)),
  )
  const input = h('input', { size: 16, spellcheck: 'false', autocomplete: 'off', required: true })
  const suggest = () => {
    const value = claims[select.value]
    input.value = JSON.stringify(
      select.value === 'role' ? 'admin' : typeof value === 'number' ? value + 3600 : value,
    )
  }
  suggest()
  select.addEventListener('change', suggest)
  const typed = () => {
    try {
      return JSON.parse(input.value)
    } catch {
      return input.value
    }
  }
  return h(
    'form',
    {
      class: 'row',
      onsubmit: (/** @type {Event} */ event) =>
        send(`Edit ${select.value}`, 'this page: another value, with the old signature', () =>
          withClaim(access_token, select.value, typed()),
        )(event),
    },
    h('label', {}, 'Set the claim', select),
    h('label', {}, 'to', input),
    h('button', {}, 'Edit the claim'),
  )
}

/**
 * @param {{ name: string, by: string, token: string, reply: import('./context.js').ServiceReply, reason: import('../server/trace.ts').Failure | undefined }} sent
 * @param {User} user
 * @param {Context} context
 */
function outcome({ name, by, token, reply, reason }, { access_token }, context) {
  const changed = changes(access_token, token)
  return h(
    'div',
    { class: reply.status < 400 ? 'card good' : 'card bad' },
    h('h4', {}, name),
    h('p', { class: 'muted' }, `Made by ${by}.`),
    h(
      'div',
      { class: 'thirds' },
      h(
        'div',
        {},
        h('h5', {}, 'What changed'),
        changed.length === 0 ? h('p', {}, 'Nothing.') : changed.map(change),
      ),
      h('div', {}, h('h5', {}, 'What the client gets'), drawResponse(reply, context)),
      h(
        'div',
        {},
        h('h5', {}, 'What the service knows'),
        reply.status < 400
          ? h('p', {}, 'The token is valid.')
          : reason
            ? known(reason, context)
            : h('p', { class: 'muted' }, NOT_CONNECTED),
      ),
    ),
  )
}

const NOT_CONNECTED = 'The event stream is not connected, so the page does not know.'

/** @param {ReturnType<typeof changes>[number]} change */
function change({ part, member, was, is }) {
  return h(
    'p',
    { class: 'change' },
    tag(part, part),
    member && h('code', {}, ` ${member}`),
    h('del', {}, h('code', {}, was)),
    h('ins', {}, h('code', {}, is)),
  )
}

/**
 * @param {import('../server/trace.ts').Failure} reason
 * @param {Context} context
 */
function known(reason, context) {
  const lesson = context.lesson(reason.code)
  return h(
    'div',
    {},
    h('p', { class: 'verdict' }, errorLink(reason.code)),
    h('p', {}, place(reason)),
    lesson?.what.split('\n').map((line) => h('p', {}, line)),
    lesson?.chapter &&
      h(
        'p',
        { class: 'small' },
        h('a', { href: lesson.chapter.page, target: '_blank' }, lesson.chapter.title),
      ),
  )
}

/** @param {import('../server/trace.ts').Failure} reason */
function place({ part, claim }) {
  return [part && `in the ${part}`, claim && `claim ${claim}`].filter(Boolean).join(', ')
}
