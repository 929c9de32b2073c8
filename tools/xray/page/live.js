// @ts-check

/** @typedef {import('../server/trace.ts').Trace} Trace */
/** @typedef {Trace & { readonly key: string }} Shown a request, with a key that is unique across restarts */
/** @typedef {'live' | 'connecting' | 'disconnected'} State */

/** As many as the service keeps, of the API's requests as well as of those for pages. */
const MAX_REQUESTS = 200
/** How long a trace may arrive after its response. */
const TRACE_TIMEOUT_MS = 2_000

/** The traces that the service streams. */
export class Live {
  /** @type {Map<string, Shown>} the oldest first */
  requests = new Map()
  /** How many requests of the API have arrived, and how many for pages. */
  total = { api: 0, pages: 0 }
  /** How many requests were not traced because there were too many. */
  missed = 0
  /** The id of the service's process, which numbers its requests from 1. */
  processId = ''
  /** @type {State} */
  state = 'connecting'
  /** @type {Set<(changed: Shown[]) => void>} */
  #listeners = new Set()
  #lastEventId = ''

  connect() {
    // After a lost connection, the browser reconnects and sends the last id itself. After an error response, this does.
    const after = this.#lastEventId && `?after=${encodeURIComponent(this.#lastEventId)}`
    const source = new EventSource(`/xray/stream${after}`)
    source.onopen = () => this.#setState('live')
    source.onmessage = (event) => this.#onMessage(event)
    source.onerror = () => {
      this.#setState('disconnected')
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.connect(), 1_000)
    }
  }

  /**
   * Calls the listener with the requests that have changed, and with none if only the state has.
   *
   * @param {(changed: Shown[]) => void} listener
   */
  watch(listener) {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Resolves with the trace of the last request with this id once it is over, or with its trace so far after a timeout.
   *
   * @param {string} requestId
   * @returns {Promise<Trace | undefined>}
   */
  trace(requestId) {
    const find = () =>
      this.requests
        .values()
        .toArray()
        .findLast((one) => one.requestId === requestId)
    return new Promise((resolve) => {
      const look = (/** @type {boolean} */ isLast) => {
        const found = find()
        if (!isLast && found?.ms === undefined) return
        stop()
        clearTimeout(timer)
        resolve(found)
      }
      const stop = this.watch(() => look(false))
      const timer = setTimeout(() => look(true), TRACE_TIMEOUT_MS)
      look(false)
    })
  }

  forget() {
    this.requests.clear()
    this.total = { api: 0, pages: 0 }
    this.missed = 0
    this.#notify([])
  }

  /** @param {MessageEvent<string>} event */
  #onMessage({ data, lastEventId }) {
    this.#lastEventId = lastEventId
    const [processId = ''] = lastEventId.split(' ')
    this.processId = processId
    /** @type {{ requests: Trace[], missed: number }} */
    const { requests, missed } = JSON.parse(data)
    const changed = requests.map((trace) => ({ ...trace, key: `${processId} ${trace.id}` }))
    for (const one of changed) {
      if (!this.requests.has(one.key)) this.total[one.isPage ? 'pages' : 'api'] += 1
      this.requests.set(one.key, one)
    }
    for (const isPage of [undefined, true]) {
      const ofThisKind = [...this.requests.values()].filter((one) => one.isPage === isPage)
      for (const { key } of ofThisKind.slice(0, -MAX_REQUESTS)) this.requests.delete(key)
    }
    this.missed += missed
    this.#notify(changed)
  }

  /** @param {State} state */
  #setState(state) {
    if (state === this.state) return
    this.state = state
    this.#notify([])
  }

  /** @param {Shown[]} changed */
  #notify(changed) {
    for (const listener of this.#listeners) listener(changed)
  }
}
