// @ts-check

/** @typedef {import('../server/trace.ts').Trace} Trace */
/** @typedef {Trace & { readonly key: string }} Shown a request of one run of the service */
/** @typedef {'live' | 'connecting' | 'gone'} State */

/** As many as the service keeps. */
const MOST = 200
/** How long an answer may be ahead of what is told of it. */
const PATIENCE_MS = 2_000

/** What the service tells, as it happens. */
export class Live {
  /** @type {Map<string, Shown>} the oldest first */
  requests = new Map()
  /** How many went by too fast to be told of. */
  missed = 0
  /** @type {State} */
  state = 'connecting'
  /** @type {Set<(changed: Shown[]) => void>} */
  #listeners = new Set()
  #lastEventId = ''

  connect() {
    // A browser connects again by itself and says what it has seen, unless it was answered with an error: then we do.
    const after = this.#lastEventId && `?after=${encodeURIComponent(this.#lastEventId)}`
    const source = new EventSource(`/xray/stream${after}`)
    source.onopen = () => this.#become('live')
    source.onmessage = (event) => this.#hear(event)
    source.onerror = () => {
      this.#become('gone')
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.connect(), 1_000)
    }
  }

  /**
   * Called with the requests that there is more to know of, and with none where only the state is another.
   *
   * @param {(changed: Shown[]) => void} listener
   */
  watch(listener) {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * The last request with this id, once it is over, or what is known of it after a while.
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
      const timer = setTimeout(() => look(true), PATIENCE_MS)
      look(false)
    })
  }

  forget() {
    this.requests.clear()
    this.missed = 0
    this.#tell([])
  }

  /** @param {MessageEvent<string>} event */
  #hear({ data, lastEventId }) {
    this.#lastEventId = lastEventId
    const [run = ''] = lastEventId.split(' ')
    /** @type {{ requests: Trace[], missed: number }} */
    const { requests, missed } = JSON.parse(data)
    const changed = requests.map((trace) => ({ ...trace, key: `${run} ${trace.id}` }))
    for (const one of changed) this.requests.set(one.key, one)
    for (const key of this.requests.keys()) {
      if (this.requests.size <= MOST) break
      this.requests.delete(key)
    }
    this.missed += missed
    this.#tell(changed)
  }

  /** @param {State} state */
  #become(state) {
    if (state === this.state) return
    this.state = state
    this.#tell([])
  }

  /** @param {Shown[]} changed */
  #tell(changed) {
    for (const listener of this.#listeners) listener(changed)
  }
}
