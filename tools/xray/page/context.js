// @ts-check

/**
 * The user who is signed in on this page.
 *
 * @typedef {object} User
 * @property {string} email
 * @property {string} access_token
 * @property {string} refresh_token
 */

/**
 * @typedef {object} Call
 * @property {unknown} [json]
 * @property {Record<string, string>} [form]
 * @property {string} [token]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/**
 * A response of the service.
 *
 * @typedef {object} ServiceReply
 * @property {number} status
 * @property {Headers} headers
 * @property {any} body parsed if it is JSON, otherwise its text
 * @property {string} requestId
 * @property {number} ms
 */

/** @typedef {import('./live.js').Trace} Trace */

/**
 * The members that all views share.
 *
 * @typedef {object} Context
 * @property {Observed<User>} user the page's own user, whose tokens are kept in this tab's memory only
 * @property {Observed<import('./live.js').Shown>} selected the request that the timeline shows
 * @property {() => void} selectNewest selects the newest request, and then each that is newer
 * @property {(method: string, path: string, call?: Call) => Promise<ServiceReply>} api sends the running service a request
 * @property {import('./live.js').Live} live every request to the service, as it happens
 * @property {(requestId: string) => Promise<Trace | undefined>} trace resolves with a request's trace, once it is over
 * @property {(code: string) => Lesson | undefined} lesson returns what an error code means, and which chapter explains it
 * @property {(requestId: string) => void} show opens the timeline at a request
 */

/** @typedef {import('../server/trace.ts').Lesson} Lesson */

/**
 * A value that views watch.
 *
 * @template T
 */
export class Observed {
  /** @type {T | undefined} */
  #value
  /** @type {Set<(value: T | undefined) => void>} */
  #listeners = new Set()

  get() {
    return this.#value
  }

  /** @param {T | undefined} value */
  set(value) {
    this.#value = value
    for (const listener of this.#listeners) listener(value)
  }

  /**
   * Calls the listener now, and whenever the value is set.
   *
   * @param {(value: T | undefined) => void} listener
   */
  watch(listener) {
    this.#listeners.add(listener)
    listener(this.#value)
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Call} [call]
 * @returns {Promise<ServiceReply>}
 */
export async function api(method, path, { json, form, token, headers, signal } = {}) {
  const sentAt = performance.now()
  const response = await fetch(path, {
    method,
    headers: {
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: form ? new URLSearchParams(form) : json === undefined ? null : JSON.stringify(json),
    ...(signal && { signal }),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: parse(text),
    requestId: response.headers.get('x-request-id') ?? '',
    ms: performance.now() - sentAt,
  }
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
