// @ts-check

import { answerOf, mark, once, results, timelineButton } from './bench.js'
import { crowdOf } from './crowd.js'
import { fill, h } from './dom.js'
import { nameOf, noteOf, time } from './words.js'

/** @typedef {import('./context.js').Context} Context */
/** @typedef {{ seat: number, taken_by: string }} Seat */

const BENCH = '/xray/bench/session'

/** How long the client that leaves has patience. */
const PATIENCE_MS = 700

/** @type {{ way: string, name: string, what: string }[]} */
const EXPERIMENTS = [
  { way: 'well', name: 'All goes well', what: 'One INSERT, and an answer of 201.' },
  {
    way: 'constraint',
    name: 'A constraint at COMMIT',
    what: 'Two INSERTs for one seat. Both succeed, and the handler answers 201: the constraint is looked at by COMMIT.',
  },
  {
    way: 'throw',
    name: 'A throw after the INSERT',
    what: 'The row is written, and then the handler throws.',
  },
  {
    way: 'leave',
    name: 'The client leaves',
    what: `The row is written, and a statement of five seconds runs. This page hangs up after ${PATIENCE_MS / 1000} s.`,
  },
  {
    way: 'kill',
    name: 'The connection is killed',
    what: 'The row is written, and then Postgres ends this very connection.',
  },
]

/**
 * @param {HTMLElement} section
 * @param {Context} context
 */
export function mount(section, context) {
  section.classList.add('bench')
  const output = results('What came of it')
  fill(
    section,
    h('h2', {}, 'A session: all of it, or nothing'),
    h(
      'p',
      {},
      'Requests that fail on purpose, each run for real. They book seats in a table of the bench’s own, ',
      h('code', {}, 'xray.seats'),
      ': look at what is in it before and after.',
    ),
    h(
      'ul',
      { class: 'experiments' },
      EXPERIMENTS.map((one) =>
        h(
          'li',
          { class: 'card' },
          h('button', { type: 'button', onclick: once(output, () => run(one, output, context)) }, one.name),
          h('p', {}, one.what),
        ),
      ),
      h(
        'li',
        { class: 'card' },
        h(
          'button',
          { type: 'button', onclick: once(output, () => crowd(output, context)) },
          '50 requests, a pool of 5',
        ),
        h(
          'p',
          {},
          'Each holds a connection for 0.1 s and waits for one 0.4 s at most, on a pool of the bench’s own.',
        ),
      ),
    ),
    output,
  )
}

/**
 * @param {typeof EXPERIMENTS[number]} experiment
 * @param {HTMLElement} output
 * @param {Context} context
 */
async function run({ way, name }, output, context) {
  const before = await seats(context)
  const id = `bench-${crypto.randomUUID()}`
  const answer = await context
    .api('POST', `${BENCH}/${way}`, {
      headers: { 'x-request-id': id },
      ...(way === 'leave' && { signal: AbortSignal.timeout(PATIENCE_MS) }),
    })
    .catch((error) => {
      if (error.name !== 'TimeoutError') throw error
    })
  const trace = await traceOf(id, context)
  const after = await seats(context)
  fill(
    output,
    h(
      'div',
      { class: added(before, after).length > 0 ? 'card good' : 'card bad' },
      h('h3', {}, name),
      h(
        'div',
        { class: 'thirds' },
        h('div', {}, h('h4', {}, 'The table'), table(before, after)),
        h(
          'div',
          {},
          h('h4', {}, 'What the client is told'),
          answer
            ? answerOf(answer, context)
            : [
                h('p', { class: 'verdict' }, mark(false), ' nothing'),
                h('p', {}, 'It has hung up, and nobody waits for an answer.'),
                timelineButton(id, context),
              ],
        ),
        h(
          'div',
          {},
          h('h4', {}, 'What the session did'),
          trace
            ? statements(trace)
            : h(
                'p',
                { class: 'muted' },
                'The stream of events is not connected, so the page does not hear of it.',
              ),
        ),
      ),
    ),
  )
}

/**
 * @param {Context} context
 * @returns {Promise<Seat[]>}
 */
async function seats({ api }) {
  const { status, body } = await api('GET', `${BENCH}/seats`)
  if (status !== 200) throw body.detail
  return body
}

/**
 * @param {Seat[]} before
 * @param {Seat[]} after
 */
function added(before, after) {
  const known = new Set(before.map(({ seat }) => seat))
  return after.filter(({ seat }) => !known.has(seat))
}

/** So many rows are shown, the newest. */
const SHOWN = 4

/**
 * @param {Seat[]} before
 * @param {Seat[]} after
 */
function table(before, after) {
  const news = added(before, after)
  return h(
    'div',
    {},
    h(
      'p',
      { class: 'verdict' },
      `${before.length} → ${after.length} `,
      h('small', {}, news.length > 0 ? 'rows: a new one' : 'rows: nothing was stored'),
    ),
    h(
      'table',
      { class: 'seats' },
      after.length > SHOWN && h('caption', {}, `The last ${SHOWN} of ${after.length}`),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'seat'), h('th', { scope: 'col' }, 'taken_by'))),
      h(
        'tbody',
        {},
        after.length === 0 && h('tr', {}, h('td', { colspan: 2, class: 'muted' }, 'no row')),
        after
          .slice(-SHOWN)
          .map((row) =>
            h(
              'tr',
              { class: news.includes(row) && 'new' },
              h('td', {}, news.includes(row) && '+ ', row.seat),
              h('td', {}, row.taken_by),
            ),
          ),
      ),
    ),
    h(
      'p',
      {},
      h('small', {}, 'The number of a seat that was undone is not given again: a sequence does not go back.'),
    ),
  )
}

const OF_SESSION = ['begin', 'query', 'savepoint', 'commit', 'rollback']

/**
 * @param {string} id
 * @param {Context} context
 */
async function traceOf(id, { trace }) {
  let found = await trace(id)
  // Of a client that has left, what it began is undone a moment later.
  for (let tries = 0; found && !found.steps.some(isEnd) && tries < 20; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    found = await trace(id)
  }
  return found
}

/** @param {import('./words.js').Step} step */
function isEnd({ kind, onPool }) {
  return !onPool && (kind === 'commit' || kind === 'rollback')
}

/** @param {import('./context.js').Trace} trace */
function statements(trace) {
  return h(
    'ol',
    { class: 'statements' },
    trace.steps
      .filter(({ kind, onPool }) => OF_SESSION.includes(kind) && !onPool)
      .map((step) =>
        h(
          'li',
          {},
          mark(!step.failed && step.kind !== 'rollback'),
          ' ',
          h('code', {}, step.kind === 'query' && (step.sql ?? '').length < 60 ? step.sql : nameOf(step)),
          h('small', {}, ` ${time(step.to - step.from)}`),
          noteOf(step, trace) && h('small', {}, ` ${noteOf(step, trace)}`),
        ),
      ),
  )
}

/**
 * @param {HTMLElement} output
 * @param {Context} context
 */
async function crowd(output, context) {
  const before = await seats(context)
  const answer = await context.api('POST', `${BENCH}/crowd`)
  const after = await seats(context)
  if (answer.status !== 200) return fill(output, h('div', { class: 'card bad' }, answerOf(answer, context)))
  fill(
    output,
    crowdOf(answer.body, context),
    h('p', {}, `The table: ${before.length} → ${after.length} rows. They only read.`),
  )
}
