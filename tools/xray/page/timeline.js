// @ts-check

import { drawDetail } from './detail.js'
import { fill, h } from './dom.js'
import { caller, clock, describeCount, matches, outcome, time } from './words.js'

/** @typedef {import('./live.js').Shown} Shown */

/** The name under which the browser keeps if SQL is shown. */
const SQL = 'xray-sql'

/**
 * @param {HTMLElement} section
 * @param {import('./context.js').Context} context
 */
export function mount(section, context) {
  const { live } = context
  /** @type {Map<string, HTMLElement>} */
  const rows = new Map()
  /** @type {string | undefined} the selected request; undefined: the newest is shown */
  let chosen
  /** @type {string | undefined} the one that is drawn */
  let drawn
  /** @type {string | undefined} the id of a request that has not arrived yet */
  let awaited
  /** @type {Pick<typeof live, 'requests' | 'total'> | undefined} the requests as they were at the pause */
  let frozen
  /** @type {Shown[]} the newest first */
  let listed = []

  const filter = h('input', {
    type: 'search',
    placeholder: 'post 409 -docs',
    'aria-label': 'Filter: words that a request contains, or with a minus sign, does not contain',
    oninput: () => list(),
  })
  const showsPages = h('input', { type: 'checkbox', onchange: () => list() })
  const pageCount = h('span')
  const showsSql = h('input', {
    type: 'checkbox',
    checked: localStorage.getItem(SQL) !== 'hidden',
    onchange: () => {
      localStorage.setItem(SQL, showsSql.checked ? 'shown' : 'hidden')
      draw()
    },
  })
  const pause = h(
    'button',
    { type: 'button', 'aria-pressed': 'false', onclick: () => setPaused(frozen === undefined) },
    'Pause',
  )
  const newest = h('button', { type: 'button', onclick: () => choose(undefined) }, 'Newest')
  const clear = h('button', { type: 'button', onclick: () => forget() }, 'Clear')
  const count = h('p', { class: 'muted count', role: 'status' })
  const box = h('ol', {
    class: 'requests',
    role: 'listbox',
    tabindex: '0',
    'aria-label': 'Requests, newest first',
    onkeydown: onKey,
    onclick: (/** @type {MouseEvent} */ { target }) => {
      const row = target instanceof Element ? target.closest('[role=option]') : null
      if (row) choose(row.getAttribute('data-key') ?? undefined)
    },
  })
  const detail = h('div', { class: 'detail', role: 'region', 'aria-label': 'The selected request' })

  fill(
    section,
    h('h2', { class: 'unseen' }, 'Timeline'),
    h(
      'div',
      { class: 'row tools' },
      h('label', {}, 'Filter', filter),
      h('label', { title: 'Requests for pages, scripts and other files' }, showsPages, 'Pages', pageCount),
      h('label', { title: 'The statements that are sent to Postgres' }, showsSql, 'SQL'),
      pause,
      newest,
      clear,
      count,
    ),
    h('div', { class: 'timeline' }, box, detail),
  )
  context.selectNewest = () => choose(undefined)
  live.watch(onChange)
  addEventListener('hashchange', follow)
  follow()
  list()

  /** @param {Shown[]} changed */
  function onChange(changed) {
    if (frozen) showPaused()
    else list(changed)
  }

  /** A link to a request: `#timeline/<its id>`. */
  function follow() {
    const [view, id] = location.hash.slice(1).split('/')
    if (view !== 'timeline' || id === undefined) return
    awaited = decodeURIComponent(id)
    const isKnown = frozen?.requests.values().some(({ requestId }) => requestId === awaited)
    if (frozen && !isKnown) setPaused(false)
    else list()
  }

  /** @param {boolean} paused */
  function setPaused(paused) {
    frozen = paused ? { requests: new Map(live.requests), total: { ...live.total } } : undefined
    pause.setAttribute('aria-pressed', String(paused))
    showPaused()
    if (!paused) list([...live.requests.values()])
  }

  function showPaused() {
    const fresh = [...live.requests.values()].filter(
      (one) => !frozen?.requests.has(one.key) && isWanted(one),
    ).length
    fill(pause, frozen ? `Go on${fresh > 0 ? ` (${fresh} new)` : ''}` : 'Pause')
  }

  /** @param {Shown} one */
  function isWanted(one) {
    return (showsPages.checked || !one.isPage) && matches(one, filter.value)
  }

  function forget() {
    chosen = undefined
    live.forget()
    setPaused(false)
  }

  /**
   * Updates the list. Existing rows stay, so that what is being read moves as little as possible.
   *
   * @param {Shown[]} [changed]
   */
  function list(changed = []) {
    if (frozen) showPaused()
    listed = [...(frozen ?? live).requests.values()].filter(isWanted).reverse()
    const wanted = new Set(listed.map(({ key }) => key))
    for (const [key, row] of rows) {
      if (wanted.has(key)) continue
      row.remove()
      rows.delete(key)
    }
    for (const one of changed) {
      const row = rows.get(one.key)
      if (row) drawRow(row, one)
    }
    /** @type {HTMLElement | undefined} */
    let before
    for (const one of listed) {
      let row = rows.get(one.key)
      if (row === undefined) {
        row = h('li', {
          role: 'option',
          id: `request-${one.key.replaceAll(/\W/g, '-')}`,
          'data-key': one.key,
        })
        drawRow(row, one)
        rows.set(one.key, row)
      }
      if (row.parentElement !== box || row.previousElementSibling !== (before ?? null)) {
        if (before) before.after(row)
        else box.prepend(row)
      }
      before = row
    }
    const found = awaited === undefined ? undefined : listed.find(({ requestId }) => requestId === awaited)
    if (found) {
      awaited = undefined
      chosen = found.key
    }
    showCount()
    show(changed)
  }

  function showCount() {
    const { requests, total } = frozen ?? live
    const kept = [...requests.values()]
    const pages = kept.filter(({ isPage }) => isPage).length
    fill(pageCount, pages > 0 && ` (${pages})`)
    fill(
      count,
      describeCount({
        listed: listed.length,
        kept: showsPages.checked ? kept.length : kept.length - pages,
        total: total.api + (showsPages.checked ? total.pages : 0),
        missed: live.missed,
      }),
    )
  }

  /** @param {string | undefined} key */
  function choose(key) {
    chosen = key
    show([])
  }

  /** @param {Shown[]} changed */
  function show(changed) {
    if (chosen !== undefined && !rows.has(chosen)) chosen = undefined
    const key = chosen ?? listed[0]?.key
    newest.disabled = key === undefined || key === listed[0]?.key
    const isSame = key === drawn
    if (!isSame) {
      for (const row of box.querySelectorAll('[aria-selected=true]'))
        row.setAttribute('aria-selected', 'false')
      const row = key === undefined ? undefined : rows.get(key)
      row?.setAttribute('aria-selected', 'true')
      if (row) box.setAttribute('aria-activedescendant', row.id)
      else box.removeAttribute('aria-activedescendant')
      if (chosen !== undefined) row?.scrollIntoView({ block: 'nearest' })
    }
    if (isSame && key !== undefined && !changed.some((one) => one.key === key)) return
    drawn = key
    draw()
  }

  function draw() {
    const { requests } = frozen ?? live
    const trace = drawn === undefined ? undefined : requests.get(drawn)
    drawDetail(detail, trace, {
      lesson: context.lesson,
      showsSql: showsSql.checked,
      hasOthers: requests.values().some((one) => showsPages.checked || !one.isPage),
    })
    context.selected.set(trace)
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const at = listed.findIndex(({ key }) => key === drawn)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: listed.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    const one = listed[Math.max(0, Math.min(listed.length - 1, to))]
    // Back at the top, it follows the newest again.
    choose(to <= 0 ? undefined : one?.key)
  }
}

/**
 * @param {HTMLElement} row
 * @param {Shown} one
 */
function drawRow(row, one) {
  const { kind, mark, words } = outcome(one)
  row.className = `request is-${kind}`
  if (!row.hasAttribute('aria-selected')) row.setAttribute('aria-selected', 'false')
  fill(
    row,
    h('span', { class: 'what' }, h('b', {}, one.method), ' ', one.path),
    h('span', { class: 'status' }, h('span', { 'aria-hidden': 'true' }, mark), ` ${words}`),
    h('span', { class: 'muted who' }, `${clock(one.at)} · ${caller(one)}`),
    h('span', { class: 'ms' }, one.ms === undefined ? '' : time(one.ms)),
  )
}
