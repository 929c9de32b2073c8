// @ts-check

// Shared by the benches: shows a response, and what the service knows about it.

import { h } from './dom.js'
import { service } from './service.js'

/** @typedef {import('./context.js').ServiceReply} ServiceReply */
/** @typedef {import('./context.js').Context} Context */

/**
 * Draws the response that a client gets: status, problem and challenge.
 *
 * @param {ServiceReply} reply
 * @param {Context} context
 */
export function drawResponse({ status, headers, body, requestId }, context) {
  const isProblem = status >= 400 && typeof body?.code === 'string'
  const challenge = headers.get('www-authenticate')
  return h(
    'div',
    {},
    h(
      'p',
      { class: 'verdict' },
      mark(status < 400),
      ` ${status} `,
      isProblem ? errorLink(body.code) : (NAMES[status] ?? ''),
    ),
    // Fastify's own error responses have a `message`.
    isProblem && h('p', {}, body.detail ?? body.message),
    challenge && h('p', { class: 'small' }, h('code', {}, `WWW-Authenticate: ${challenge}`)),
    Array.isArray(body?.errors) &&
      h(
        'ul',
        {},
        body.errors.map((/** @type {any} */ one) =>
          h('li', {}, h('code', {}, `${one.in}${one.path}`), ` ${one.message}`),
        ),
      ),
    timelineButton(requestId, context),
  )
}

/** @type {Record<number, string>} */
const NAMES = { 200: 'OK', 201: 'Created', 204: 'No Content' }

/**
 * @param {string} requestId
 * @param {Context} context
 */
export function timelineButton(requestId, context) {
  return (
    requestId !== '' &&
    h(
      'button',
      { type: 'button', class: 'small', onclick: () => context.show(requestId) },
      'See it in the timeline',
    )
  )
}

/** @param {string} code */
export function errorLink(code) {
  if (service.guide === undefined) return code
  return h('a', { href: `${service.guide}/errors/${code}`, target: '_blank' }, code)
}

/** @param {boolean} isGood shown by a sign as well as a color */
export function mark(isGood) {
  return h('span', { class: isGood ? 'mark good' : 'mark bad', 'aria-hidden': 'true' }, isGood ? '✓' : '✗')
}

/**
 * Returns a button's listener, which ignores further clicks until `work` is done, and shows an error in `output`.
 *
 * @param {HTMLElement} output a live region
 * @param {() => Promise<void>} work
 * @returns {(event?: Event) => Promise<void>}
 */
export function once(output, work) {
  let isBusy = false
  return async (event) => {
    event?.preventDefault()
    if (isBusy) return
    isBusy = true
    output.setAttribute('aria-busy', 'true')
    try {
      await work()
    } catch (error) {
      output.replaceChildren(
        h(
          'p',
          { class: 'bad' },
          '✗ ',
          error instanceof TypeError ? 'The service does not respond.' : String(error),
        ),
      )
    } finally {
      isBusy = false
      output.removeAttribute('aria-busy')
      output.scrollIntoView({ block: 'nearest' })
    }
  }
}

/**
 * A live region for results: screen readers announce them.
 *
 * @param {string} label
 */
export function results(label) {
  return h('div', { role: 'status', class: 'results', 'aria-label': label })
}

/**
 * @param {string} text
 * @param {string} [part] of a token
 */
export function tag(text, part = '') {
  return h('span', { class: `tag ${part}` }, text)
}
