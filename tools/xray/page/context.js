// @ts-check

/**
 * Who is signed in on this page.
 *
 * @typedef {object} SignedIn
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
 * What the service answered.
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {Headers} headers
 * @property {any} body of JSON; otherwise its text
 * @property {string} requestId
 * @property {number} ms
 */

/** @typedef {import('./live.js').Trace} Trace */

/**
 * What the page's parts have in common.
 *
 * @typedef {object} Context
 * @property {Session} session
 * @property {(method: string, path: string, call?: Call) => Promise<Answer>} api asks the running service
 * @property {import('./live.js').Live} live every request to the service, as it happens
 * @property {(requestId: string) => Promise<Trace | undefined>} trace what happened to a request, once it is over
 * @property {(code: string) => Lesson | undefined} lesson what an error code means, and which chapter explains it
 * @property {(requestId: string) => void} show opens the timeline at a request
 */

/** @typedef {import('../server/trace.ts').Lesson} Lesson */

/** The page's own user: their token is known to this page alone, and gone when its tab is closed. */
export class Session {
  /** @type {SignedIn | undefined} */
  #user
  /** @type {Set<(user: SignedIn | undefined) => void>} */
  #listeners = new Set()

  get() {
    return this.#user
  }

  /** @param {SignedIn | undefined} user */
  set(user) {
    this.#user = user
    for (const listener of this.#listeners) listener(user)
  }

  /**
   * Called now, and whenever somebody signs in or out.
   *
   * @param {(user: SignedIn | undefined) => void} listener
   */
  watch(listener) {
    this.#listeners.add(listener)
    listener(this.#user)
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Call} [call]
 * @returns {Promise<Answer>}
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
