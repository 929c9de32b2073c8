// @ts-check

import * as actions from './actions.js'
import { api, Observed } from './context.js'
import { fill, h } from './dom.js'
import * as hash from './hash.js'
import { Live } from './live.js'
import { service } from './service.js'
import * as session from './session.js'
import * as tables from './tables.js'
import { themeSwitch } from './theme.js'
import * as timeline from './timeline.js'
import * as token from './token.js'

document.title = `X-ray · ${service.name}`
// The cookie has the key now: keep it out of the history, and out of a screenshot.
if (location.search) history.replaceState(null, '', location.pathname + location.hash)

const { hasTables, signUp, logIn, me, actions: others = [] } = service
/** @type {Record<string, boolean>} views that need something which not every service has */
const IS_OFFERED = {
  tables: hasTables,
  token: logIn !== undefined && me !== undefined,
  actions: signUp !== undefined || logIn !== undefined || others.length > 0,
}
const VIEWS = { timeline, tables, token, hash, session, actions }
const offered = Object.keys(VIEWS).filter((name) => IS_OFFERED[name] ?? true)

/** @type {Record<string, import('./context.js').Lesson>} */
const lessons = await fetch('/xray/lessons').then((response) => response.json())
const live = new Live()

/** @type {import('./context.js').Context} */
const context = {
  user: new Observed(),
  selected: new Observed(),
  selectNewest() {},
  api,
  live,
  trace: (requestId) => live.trace(requestId),
  lesson: (code) => (Object.hasOwn(lessons, code) ? lessons[code] : undefined),
  show(requestId) {
    location.hash = `#timeline/${encodeURIComponent(requestId)}`
  },
}

fill(
  element('nav[aria-label=Views]'),
  offered.map((name) =>
    h(
      'a',
      { href: `#${name}` },
      name.replace(/^./, (first) => first.toUpperCase()),
    ),
  ),
)
for (const [name, view] of Object.entries(VIEWS))
  if (offered.includes(name)) view.mount(findSection(name), context)
context.user.watch((user) =>
  fill(element('#who'), user && h('span', { class: 'unseen' }, 'Logged in as '), user?.email),
)
live.watch(showState)
live.connect()
element('.views').append(themeSwitch() ?? '')
element('.views').hidden = false

/** @type {Record<import('./live.js').State, string>} */
const STATES = { connecting: '○ connecting', live: '● live', disconnected: '✗ no connection to the service' }

function showState() {
  const place = element('#live')
  const words = STATES[live.state]
  if (place.textContent === words) return
  fill(place, words)
  place.className = live.state
}

addEventListener('hashchange', open)
open()

/** Shows the view that the address names. */
function open() {
  const [name = ''] = location.hash.slice(1).split('/')
  const current = offered.includes(name) ? name : 'timeline'
  for (const one of offered) findSection(one).hidden = one !== current
  for (const link of document.querySelectorAll('nav[aria-label=Views] a')) {
    if (link.getAttribute('href') === `#${current}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
}

/** @param {string} name */
function findSection(name) {
  return element(`#view-${name}`)
}

/**
 * @param {string} selector
 * @returns {HTMLElement}
 */
function element(selector) {
  const found = document.querySelector(selector)
  if (!(found instanceof HTMLElement)) throw new Error(`The page has no ${selector}`)
  return found
}
