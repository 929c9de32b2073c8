// @ts-check

import { duration, inWords } from './claims.js'
import { fill, h } from './dom.js'
import { decode, split } from './jwt.js'
import { offerLogin, watchSwagger } from './login.js'
import { breaker } from './tamper.js'

/** @typedef {import('./context.js').Context} Context */
/** @typedef {import('./context.js').User} User */

/**
 * @param {HTMLElement} section
 * @param {Context} context
 */
export function mount(section, context) {
  section.classList.add('bench')
  let stop = () => {}
  context.user.watch((user) => {
    stop()
    stop = () => {}
    if (user === undefined) return fill(section, ...heading(), offerLogin(context))
    const bench = createBench(user, context)
    stop = bench.stop
    fill(section, ...heading(), ...bench.children)
  })
  watchSwagger(() => {
    if (context.user.get() === undefined) fill(section, ...heading(), offerLogin(context))
  })
}

function heading() {
  return [
    h('h2', {}, 'A token: anyone can read it, and no one can change it'),
    h(
      'p',
      {},
      'This page has no key and can still read all of it. Change one character, and the service, which has the key, rejects it.',
    ),
  ]
}

/**
 * @param {User} user
 * @param {Context} context
 */
function createBench(user, context) {
  const left = timeLeft(decode(split(user.access_token).payload))
  return { stop: left.stop, children: [tokenCard(user, left.element), members(user), breaker(user, context)] }
}

/** The three parts: the class, the sign next to the color, the name and the meaning of each. */
const PARTS = /** @type {const} */ ([
  ['header', '①', 'Header', 'how it is signed'],
  ['payload', '②', 'Payload', 'the claims'],
  ['signature', '③', 'Signature', 'computed from ① and ② with the service’s secret'],
])

/**
 * @param {User} user
 * @param {HTMLElement} left
 */
function tokenCard({ access_token }, left) {
  const parts = split(access_token)
  return h(
    'div',
    { class: 'card' },
    h(
      'p',
      { class: 'token mono' },
      PARTS.flatMap(([part], index) => [
        index > 0 && h('b', { class: 'dot' }, '.'),
        h('span', { class: `part ${part}` }, parts[part]),
      ]),
    ),
    h(
      'ul',
      { class: 'legend' },
      PARTS.map(([part, sign, name, what]) =>
        h('li', {}, h('b', { class: `part ${part}` }, `${sign} ${name}`), ` ${what}`),
      ),
    ),
    left,
  )
}

/** @param {Record<string, any>} claims */
function timeLeft({ iat, exp }) {
  const text = h('span', { role: 'timer' })
  const bar = h('progress', { max: exp - iat, 'aria-label': 'Time left' })
  const tick = () => {
    const seconds = exp - Date.now() / 1000
    bar.value = Math.max(0, seconds)
    text.textContent = seconds > 0 ? `${duration(seconds)} left` : `expired ${duration(seconds)} ago`
    text.className = seconds > 0 ? '' : 'bad'
  }
  tick()
  const timer = setInterval(tick, 1000)
  return { element: h('p', { class: 'row time-left' }, bar, text), stop: () => clearInterval(timer) }
}

/** @param {User} user */
function members({ access_token }) {
  const { header, payload } = split(access_token)
  return h(
    'div',
    { class: 'columns decoded' },
    table('header', '① Header, decoded', header),
    table('payload', '② Payload, decoded', payload),
  )
}

/**
 * @param {string} part
 * @param {string} title
 * @param {string} encoded
 */
function table(part, title, encoded) {
  const rows = Object.entries(decode(encoded)).map(([member, value]) => {
    const { name, meaning } = inWords(member, value)
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, h('code', {}, member), name && h('small', {}, name)),
      h('td', {}, h('code', {}, JSON.stringify(value)), h('small', {}, meaning)),
    )
  })
  return h('table', { class: `members ${part}` }, h('caption', {}, title), h('tbody', {}, rows))
}
