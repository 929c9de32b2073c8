// @ts-check

import { answerOf, once, results } from './bench.js'
import { h } from './dom.js'

/** @typedef {import('./context.js').Context} Context */

/**
 * Somebody whom nobody knows yet. The password is made here, and the service is told of it as of anybody's.
 *
 * @returns {{ email: string, password: string }}
 */
export function newVisitor() {
  const [number = 0, ...rest] = crypto.getRandomValues(new Uint32Array(4))
  return {
    email: `visitor-${number.toString(36)}@example.com`,
    password: rest.map((one) => one.toString(36)).join('-'),
  }
}

/**
 * @param {{ email: string, password: string }} visitor
 * @param {Context} context
 */
export function signUp(visitor, { api }) {
  return api('POST', '/users', { json: visitor })
}

/**
 * Logs in; the page’s own user is who did so last.
 *
 * @param {{ email: string, password: string }} visitor
 * @param {Context} context
 */
export async function logIn({ email, password }, { api, session }) {
  const answer = await api('POST', '/login', { form: { username: email, password } })
  if (answer.status === 200) {
    const { access_token, refresh_token } = answer.body
    session.set({ email, access_token, refresh_token })
    // They are in the session, and no answer need show them.
    answer.body = { ...answer.body, access_token: '… (see Token)', refresh_token: '…' }
  }
  return answer
}

/** The access token that Swagger UI keeps for its “Authorize”, if somebody has logged in there. */
export function tokenOfSwagger() {
  try {
    return JSON.parse(localStorage.getItem('authorized') ?? '{}').login?.token?.access_token
  } catch {
    return undefined
  }
}

/**
 * Takes over the log-in of Swagger UI, which keeps no refresh token.
 *
 * @param {Context} context
 */
export async function takeFromSwagger({ api, session }) {
  const access_token = tokenOfSwagger()
  const answer = await api('GET', '/users/me', { token: access_token })
  if (answer.status === 200) session.set({ email: answer.body.email, access_token, refresh_token: '' })
  return answer
}

/**
 * For a view that needs somebody who is logged in.
 *
 * @param {Context} context
 */
export function askWho(context) {
  const output = results('Who is signed in')
  const show = (/** @type {import('./context.js').Answer} */ answer) => {
    if (answer.status >= 400) output.replaceChildren(answerOf(answer, context))
  }
  const asNew = async () => {
    const visitor = newVisitor()
    const answer = await signUp(visitor, context)
    show(answer.status === 201 ? await logIn(visitor, context) : answer)
  }
  return h(
    'div',
    { class: 'card' },
    h('p', {}, 'Nobody is signed in on this page, so there is no token to look at.'),
    h(
      'p',
      { class: 'row' },
      h(
        'button',
        { type: 'button', class: 'main', onclick: once(output, asNew) },
        'Sign up somebody new, and log in',
      ),
      tokenOfSwagger() &&
        h(
          'button',
          { type: 'button', onclick: once(output, async () => show(await takeFromSwagger(context))) },
          'Take the log-in of Swagger UI',
        ),
      h('a', { href: '#actions' }, 'Log in as somebody you know'),
    ),
    output,
  )
}
