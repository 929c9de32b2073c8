// @ts-check

import { drawResponse, mark, once, results, timelineButton } from './bench.js'
import { drawCrowd } from './crowd.js'
import { fill, h } from './dom.js'
import { describeStep, nameStep, time } from './words.js'

/** @typedef {import('./context.js').Context} Context */
/** @typedef {{ seat: number, taken_by: string }} Seat */

const BENCH = '/xray/bench/session'

/** How long the client that disconnects waits before it does. */
const DISCONNECT_AFTER_MS = 700

/** @type {{ way: string, name: string, what: string }[]} */
const EXPERIMENTS = [
  { way: 'success', name: 'A success', what: 'One INSERT, and a response of 201.' },
  {
    way: 'constraint',
    name: 'A constraint at COMMIT',
    what: 'Two INSERTs for one seat. Both succeed, and the handler responds with 201. Then COMMIT checks the constraint.',
  },
  {
    way: 'throw',
    name: 'An error after the INSERT',
    what: 'The row is written, and then the handler throws.',
  },
  {
    way: 'disconnect',
    name: 'The client disconnects',
    what: `The row is written, and a statement of five seconds runs. This page disconnects after ${DISCONNECT_AFTER_MS / 1000} s.`,
  },
  {
    way: 'kill',
    name: 'The connection is killed',
    what: 'The row is written, and then Postgres ends this connection.',
  },
]

/**
 * @param {HTMLElement} section
 * @param {Context} context
 */
export function mount(section, context) {
  section.classList.add('bench')
  const output = results('The result')
  fill(
    section,
    h('h2', {}, 'A session: all of it, or nothing'),
    h(
      'p',
      {},
      'Real requests that fail on purpose. They book seats in the bench’s own table, ',
      h('code', {}, 'xray.seats'),
      ': compare its rows before and after.',
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
          'Each holds a connection for 0.1 s and waits at most 0.4 s for one, on the bench’s own pool.',
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
  const reply = await context
    .api('POST', `${BENCH}/${way}`, {
      headers: { 'x-request-id': id },
      ...(way === 'disconnect' && { signal: AbortSignal.timeout(DISCONNECT_AFTER_MS) }),
    })
    .catch((error) => {
      if (error.name !== 'TimeoutError') throw error
    })
  const trace = await waitForTrace(id, context)
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
          h('h4', {}, 'What the client gets'),
          reply
            ? drawResponse(reply, context)
            : [
                h('p', { class: 'verdict' }, mark(false), ' nothing'),
                h('p', {}, 'Nothing, because it has disconnected.'),
                timelineButton(id, context),
              ],
        ),
        h(
          'div',
          {},
          h('h4', {}, 'What the session did'),
          trace
            ? statements(trace)
            : h('p', { class: 'muted' }, 'The event stream is not connected, so the page does not know.'),
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

/** Only the newest rows are shown. */
const MAX_ROWS = 4

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
      h('small', {}, news.length > 0 ? 'rows: one is new' : 'rows: nothing was committed'),
    ),
    h(
      'table',
      { class: 'seats' },
      after.length > MAX_ROWS && h('caption', {}, `The last ${MAX_ROWS} of ${after.length}`),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'seat'), h('th', { scope: 'col' }, 'taken_by'))),
      h(
        'tbody',
        {},
        after.length === 0 && h('tr', {}, h('td', { colspan: 2, class: 'muted' }, 'no row')),
        after
          .slice(-MAX_ROWS)
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
      h(
        'small',
        {},
        'The number of a seat that was rolled back is not used again, because a sequence is not transactional.',
      ),
    ),
  )
}

const SESSION_STEPS = ['begin', 'query', 'savepoint', 'commit', 'rollback']

/**
 * @param {string} id
 * @param {Context} context
 */
async function waitForTrace(id, { trace }) {
  let found = await trace(id)
  // After a disconnect, the rollback comes a moment later.
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
      .filter(({ kind, onPool }) => SESSION_STEPS.includes(kind) && !onPool)
      .map((step) =>
        h(
          'li',
          {},
          mark(!step.failed && step.kind !== 'rollback'),
          ' ',
          h('code', {}, step.kind === 'query' && (step.sql ?? '').length < 60 ? step.sql : nameStep(step)),
          h('small', {}, ` ${time(step.to - step.from)}`),
          describeStep(step, trace) && h('small', {}, ` ${describeStep(step, trace)}`),
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
  const reply = await context.api('POST', `${BENCH}/crowd`)
  const after = await seats(context)
  if (reply.status !== 200) return fill(output, h('div', { class: 'card bad' }, drawResponse(reply, context)))
  fill(
    output,
    drawCrowd(reply.body, context),
    h('p', {}, `The table: ${before.length} → ${after.length} rows. These requests only read.`),
  )
}
