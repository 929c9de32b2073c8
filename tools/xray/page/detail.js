// @ts-check

import { fill, h } from './dom.js'
import { service } from './service.js'
import { drawSql } from './sql.js'
import { caller, describeStep, inOrder, moment, nameStep, outcome, ticks, time } from './words.js'

/** @typedef {import('../server/trace.ts').Trace} Trace */
/** @typedef {import('../server/trace.ts').Step} Step */
/** @typedef {import('./context.js').Context['lesson']} FindLesson */

/**
 * @param {HTMLElement} place
 * @param {Trace | undefined} trace
 * @param {{ lesson: FindLesson, showsSql: boolean, hasOthers: boolean }} options `hasOthers`: there are requests that are not listed
 */
export function drawDetail(place, trace, { lesson, showsSql, hasOthers }) {
  if (trace === undefined)
    fill(place, hasOthers ? h('p', { class: 'muted' }, 'No request matches the filter.') : nothingYet())
  else fill(place, head(trace), failure(trace, lesson), chart(trace, showsSql), legend())
}

function nothingYet() {
  return h(
    'div',
    { class: 'card' },
    h('h3', {}, 'Nothing yet'),
    h(
      'p',
      {},
      'Every request to this service appears here, no matter who sends it.',
      service.apiDocs && [
        ' Try one in ',
        h('a', { href: service.apiDocs, target: 'api-docs' }, 'Swagger UI'),
        ', or with the buttons under ',
        h('a', { href: '#actions' }, 'Actions'),
        '.',
      ],
    ),
  )
}

/** @param {Trace} trace */
function head(trace) {
  const { kind, mark, words } = outcome(trace)
  const { method, path, ms, requestId, steps } = trace
  return h(
    'div',
    { class: 'head' },
    h('h3', {}, `${method} ${path}`),
    h('p', { class: `outcome is-${kind}` }, h('span', { 'aria-hidden': 'true' }, `${mark} `), words),
    h('p', { class: 'muted' }, `${ms === undefined ? '' : `${time(ms)} · `}${caller(trace)} · ${requestId}`),
    service.hasTables &&
      method !== 'GET' &&
      steps.some(({ kind, failed }) => kind === 'commit' && !failed) &&
      h('a', { href: '#tables' }, 'See the rows'),
  )
}

/**
 * Shows the failure: the client's response, its cause, and a link to the explanation.
 *
 * @param {Trace} trace
 * @param {FindLesson} lesson
 */
function failure({ problem, reason, clientDisconnected }, lesson) {
  const code = reason && lesson(reason.code) ? reason.code : (problem?.code ?? reason?.code)
  if (clientDisconnected && code === undefined) {
    return h(
      'div',
      { class: 'card bad' },
      h('p', {}, h('b', {}, '✗ The client disconnected'), ' before its response was sent.'),
    )
  }
  if (code === undefined) return undefined
  const { what = '', page, chapter } = lesson(code) ?? {}
  const [first, ...more] = what.split('\n')
  const told = problem && problem.code !== code ? problem.code : undefined
  return h(
    'div',
    { class: 'card bad' },
    h('p', {}, h('b', {}, `✗ ${code}`), first && ` ${first}`),
    more.map((line) => h('p', {}, line)),
    problem?.errors &&
      h(
        'ul',
        {},
        problem.errors.map(({ in: part, path, message }) =>
          h('li', {}, h('code', {}, `${part}${path}`), ` ${message}`),
        ),
      ),
    told &&
      h(
        'p',
        {},
        'The client only gets ',
        h('b', {}, told),
        problem?.detail ? `: “${problem.detail}”` : '',
        '.',
      ),
    (page || chapter) &&
      h(
        'p',
        { class: 'row' },
        page && h('a', { href: page, target: 'guide' }, 'What it means, and how to fix it'),
        chapter && h('a', { href: chapter.page, target: 'guide' }, chapter.title),
      ),
  )
}

/**
 * @param {Trace} trace
 * @param {boolean} showsSql
 */
function chart(trace, showsSql) {
  const steps = inOrder(trace.steps)
  const whole = Math.max(trace.ms ?? 0, ...steps.map(({ to }) => to), 0.1)
  const moments = ticks(whole)
  const element = h(
    'div',
    { class: 'chart' },
    h(
      'div',
      { class: 'axis', 'aria-hidden': 'true' },
      moments.map((ms) => at(h('span', {}, ms / whole < 0.86 && moment(ms)), ms / whole)),
    ),
    h(
      'ol',
      {},
      steps.map((step, index) =>
        h('li', { class: getClass(step, steps, index) }, drawStep(step, trace, whole, showsSql)),
      ),
    ),
    trace.droppedSteps !== undefined && h('p', { class: 'muted' }, `and ${trace.droppedSteps} more`),
  )
  element.style.setProperty('--tick', String((moments[1] ?? whole) / whole))
  return element
}

/**
 * @param {Step} step
 * @param {Step[]} steps
 * @param {number} index
 */
function getClass({ kind, failed }, steps, index) {
  // All steps between BEGIN and the end of the session are within the transaction.
  const before = steps.slice(0, index + 1).findLast(({ session }) => session !== undefined)
  const isWithin = before && steps.slice(index).some(({ session }) => session === before.session)
  return [kind, failed && 'failed', isWithin && 'within'].filter(Boolean).join(' ')
}

/**
 * @param {Step} step
 * @param {Trace} trace
 * @param {number} whole
 * @param {boolean} showsSql
 */
function drawStep(step, trace, whole, showsSql) {
  const { kind, failed, sql, from, to, waited = 0 } = step
  const name = nameStep(step)
  const note = describeStep(step, trace)
  const line = [
    h('span', { class: 'name' }, failed && '✗ ', name),
    h(
      'span',
      { class: 'track', 'aria-hidden': 'true' },
      waited > 0 && bar('queued', from / whole, waited / whole),
      bar('bar', (from + waited) / whole, (to - from - waited) / whole),
    ),
    h('span', { class: 'ms' }, to > from && time(to - from)),
    note && h('span', { class: 'note' }, note),
  ]
  if (sql === undefined || sql === name) return h('div', { class: 'line' }, line)
  return h(
    'details',
    { open: showsSql && kind !== 'begin' },
    h('summary', { class: 'line' }, line),
    drawSql(sql),
  )
}

/** The colors of the chart: a class of `.chart li`, and what it means. */
const COLORS = [
  ['token', 'token'],
  ['validation', 'body and validation'],
  ['query', 'Postgres'],
  ['hash', 'bcrypt'],
  ['send', 'response'],
  ['failed', 'failed or rolled back'],
]

function legend() {
  return h(
    'ul',
    { class: 'chart colors', 'aria-label': 'Colors' },
    COLORS.map(([name, what]) => h('li', { class: name }, h('span', { class: 'bar' }), what)),
    h('li', { class: 'begin' }, h('span', { class: 'bar' }), 'waiting'),
    h('li', { class: 'transaction' }, h('span'), 'within the transaction'),
  )
}

/**
 * @param {string} name
 * @param {number} from
 * @param {number} length
 */
function bar(name, from, length) {
  const element = at(h('span', { class: name }), from)
  element.style.setProperty('--length', String(length))
  return element
}

/**
 * @template {HTMLElement} T
 * @param {T} element
 * @param {number} from
 * @returns {T}
 */
function at(element, from) {
  element.style.setProperty('--from', String(from))
  return element
}
