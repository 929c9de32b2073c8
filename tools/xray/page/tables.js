// @ts-check

import { drawResponse, once, results } from './bench.js'
import { fill, h } from './dom.js'
import { service } from './service.js'
import { caller, clock, outcome } from './words.js'

/** @typedef {import('../server/table-view.ts').TableView} TableView */
/** @typedef {import('../server/table-view.ts').RowView} RowView */
/** @typedef {import('./live.js').Shown} Shown */

/** The sign and the word of each change, next to its color. */
const CHANGES = {
  inserted: { sign: '+', word: 'new' },
  updated: { sign: '~', word: 'changed' },
  deleted: { sign: '−', word: 'deleted' },
}

const CHANGED = '.is-inserted, .is-updated, .is-deleted'

/**
 * Scrolls a table to its first change, and not the page.
 *
 * @param {Element} table
 */
function showFirst(table) {
  const row = table.querySelector(CHANGED)
  if (row instanceof HTMLElement) table.scrollTop = row.offsetTop - table.clientHeight / 2
}

/**
 * @param {HTMLElement} section
 * @param {import('./context.js').Context} context
 */
export function mount(section, context) {
  const { live, selected } = context
  const about = h('p')
  const output = results('Messages')
  const place = h('div', { class: 'tables' })
  /** @type {Shown | undefined} */
  let request
  /** @type {string | undefined} the key of the request whose changes were marked last */
  let drawn
  let isReading = false
  let isStale = false

  fill(
    section,
    h(
      'div',
      { class: 'row tools' },
      h('h2', {}, 'Tables: the rows as they are now'),
      h(
        'div',
        { class: 'row' },
        h('button', { type: 'button', onclick: () => context.selectNewest() }, 'Newest request'),
        service.hasReset && resetButton(output, context, refresh),
      ),
    ),
    about,
    output,
    place,
  )
  selected.watch((one) => {
    request = one
    refresh()
  })
  live.watch((changed) => changed.some(({ ms }) => ms !== undefined) && refresh())
  addEventListener('hashchange', refresh)

  /** Reads the tables while they are visible, and once more if something has changed in the meantime. */
  async function refresh() {
    isStale = true
    if (isReading || !location.hash.startsWith('#tables')) return
    isReading = true
    try {
      while (isStale) {
        isStale = false
        await read()
      }
    } finally {
      isReading = false
    }
  }

  async function read() {
    const shown = request
    // A process that was restarted counts its requests from 1 again.
    const id = shown?.key.startsWith(`${live.processId} `) ? shown.id : 0
    const reply = await context.api('GET', `/xray/tables?request=${id}`).catch(() => undefined)
    if (reply === undefined) return
    if (reply.status !== 200)
      return fill(output, h('div', { class: 'card bad' }, drawResponse(reply, context)))
    fill(output)
    /** @type {TableView[]} */
    const tables = reply.body
    fill(about, describe(shown, tables))
    fill(place, tables.map(drawTable))
    for (const table of place.querySelectorAll('.scrolls')) showFirst(table)
    // Only once, so that the page does not move while someone reads it.
    if (shown?.key !== drawn) place.querySelector(CHANGED)?.scrollIntoView({ block: 'nearest' })
    drawn = shown?.key
  }
}

/**
 * @param {Shown | undefined} request
 * @param {TableView[]} tables
 */
function describe(request, tables) {
  if (request === undefined) return 'The rows that a request changes will be marked.'
  const changes = tables.flatMap(({ rows }) => rows.flatMap(({ change }) => change ?? []))
  const { mark, words } = outcome(request)
  const others = Math.max(0, ...changes.map((change) => change.others))
  return [
    h('b', {}, `${request.method} ${request.path} `),
    `${mark} ${words} `,
    changes.length === 0 ? 'changed no row of these tables. ' : 'changed the marked rows. ',
    others > 0 && `${others} more committed at the same moment, so some of these changes may be theirs. `,
    h('span', { class: 'muted' }, `${clock(request.at)} · ${caller(request)} · `),
    h('a', { href: '#timeline' }, 'Select another request'),
  ]
}

/** @param {TableView} table */
function drawTable({ name, columns, count, rows }) {
  const isChanged = rows.some(({ change }) => change)
  const left = count - rows.filter(({ change }) => change?.kind !== 'deleted').length
  const total = `${count} ${count === 1 ? 'row' : 'rows'}`
  return h(
    'div',
    {},
    h(
      'h3',
      { class: 'title' },
      h('code', {}, name),
      h('small', {}, ` ${total}${left > 0 ? `, ${left} of them not shown` : ''}`),
    ),
    h(
      'div',
      { class: 'scrolls', tabindex: 0, role: 'region', 'aria-label': name },
      h(
        'table',
        { class: 'rows' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            isChanged && h('th', { scope: 'col' }, h('span', { class: 'unseen' }, 'Change')),
            columns.map((column) => h('th', { scope: 'col' }, column)),
          ),
        ),
        h(
          'tbody',
          {},
          rows.length === 0 && h('tr', {}, h('td', { class: 'muted' }, 'no row')),
          rows.map((row) => drawRow(row, columns, isChanged)),
        ),
      ),
    ),
  )
}

/**
 * @param {RowView} row
 * @param {readonly string[]} columns
 * @param {boolean} hasMarks
 */
function drawRow({ cells, change }, columns, hasMarks) {
  const { sign, word } = change ? CHANGES[change.kind] : { sign: '', word: '' }
  return h(
    'tr',
    { class: change && `is-${change.kind}` },
    hasMarks && h('td', { class: 'change' }, change && [h('b', { 'aria-hidden': 'true' }, sign), ` ${word}`]),
    cells.map((cell, index) =>
      h(
        'td',
        { class: change?.columns.includes(columns[index] ?? '') && 'is-other' },
        cell === null ? h('span', { class: 'muted' }, 'NULL') : cell,
      ),
    ),
  )
}

/**
 * @param {HTMLElement} output
 * @param {import('./context.js').Context} context
 * @param {() => void} done
 */
function resetButton(output, context, done) {
  const reset = once(output, async () => {
    dialog.close()
    const reply = await context.api('POST', '/xray/reset')
    if (reply.status >= 400)
      return fill(output, h('div', { class: 'card bad' }, drawResponse(reply, context)))
    context.live.forget()
    context.user.set(undefined)
    done()
  })
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'reset-title' },
    h('h3', { id: 'reset-title' }, 'Reset the data?'),
    h('p', {}, 'All rows are deleted, and the demo data is stored again. This cannot be undone.'),
    h(
      'p',
      { class: 'row' },
      h('button', { type: 'button', class: 'danger', onclick: reset }, 'Delete everything and reset'),
      h('button', { type: 'button', autofocus: true, onclick: () => dialog.close() }, 'Cancel'),
    ),
  )
  return [
    h('button', { type: 'button', class: 'danger', onclick: () => dialog.showModal() }, 'Reset the data …'),
    dialog,
  ]
}
