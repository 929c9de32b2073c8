// @ts-check

import { drawResponse, once, results } from './bench.js'
import { h } from './dom.js'
import { service } from './service.js'

/** @typedef {import('./context.js').Context} Context */

/**
 * A new user. The password is generated here, and the service receives it as it does anybody's.
 *
 * @returns {{ email: string, password: string }}
 */
export function createVisitor() {
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
  const { method, path } = required(service.signUp)
  return api(method, path, { json: visitor })
}

/**
 * Logs in. The page's user is the one who logged in last.
 *
 * @param {{ email: string, password: string }} visitor
 * @param {Context} context
 */
export async function logIn({ email, password }, { api, user }) {
  const { method, path, body } = required(service.logIn)
  const content = body === 'form' ? { form: { username: email, password } } : { json: { email, password } }
  const reply = await api(method, path, content)
  if (reply.status === 200) {
    const { access_token, refresh_token = '' } = reply.body
    user.set({ email, access_token, refresh_token })
    // The page keeps the tokens, so the reply does not show them.
    reply.body = {
      ...reply.body,
      access_token: '… (see Token)',
      ...(refresh_token !== '' && { refresh_token: '…' }),
    }
  }
  return reply
}

/**
 * Returns an operation that the views which use it require.
 *
 * @template T
 * @param {T | undefined} operation
 * @returns {T}
 */
export function required(operation) {
  if (operation === undefined) throw new Error('The description of the service has no such operation')
  return operation
}

/** Returns the access token that Swagger UI keeps after its “Authorize”, if there is one. */
export function readSwaggerToken() {
  try {
    return JSON.parse(localStorage.getItem('authorized') ?? '{}').login?.token?.access_token
  } catch {
    return undefined
  }
}

/**
 * Takes over the login of Swagger UI, which keeps no refresh token.
 *
 * @param {Context} context
 */
export async function takeFromSwagger({ api, user }) {
  const access_token = readSwaggerToken()
  const { method, path } = required(service.me)
  const reply = await api(method, path, { token: access_token })
  if (reply.status === 200) user.set({ email: reply.body.email, access_token, refresh_token: '' })
  return reply
}

/**
 * Calls the listener when somebody has logged in to Swagger UI, or out, in another tab.
 *
 * @param {() => void} listener
 */
export function watchSwagger(listener) {
  addEventListener('storage', ({ key }) => key === 'authorized' && listener())
}

/**
 * Offers the demo users, if there are any.
 *
 * @param {(visitor: { email: string, password: string }) => void} onChoose
 */
export function demoUsers(onChoose) {
  const { demoUsers: demo } = service
  if (demo === undefined) return undefined
  const select = h(
    'select',
    {
      onchange: () => {
        if (select.value !== '') onChoose({ email: select.value, password: demo.password })
      },
    },
    h('option', { value: '' }, 'Choose …'),
    demo.users.map(({ email, role }) =>
      h('option', { value: email }, role === undefined || role === 'user' ? email : `${email} (${role})`),
    ),
  )
  return h('label', {}, h('span', {}, 'Demo user'), select)
}

/**
 * Offers ways to log in, for a view that needs a user.
 *
 * @param {Context} context
 */
export function offerLogin(context) {
  const output = results('Who is logged in')
  const show = (/** @type {import('./context.js').ServiceReply} */ reply) => {
    if (reply.status >= 400) output.replaceChildren(drawResponse(reply, context))
  }
  const asNew = async () => {
    const visitor = createVisitor()
    const reply = await signUp(visitor, context)
    show(reply.status === 201 ? await logIn(visitor, context) : reply)
  }
  const demo = demoUsers((visitor) => {
    once(output, async () => show(await logIn(visitor, context)))()
  })
  return h(
    'div',
    { class: 'card' },
    h('p', {}, 'Nobody is logged in on this page, so there is no token to show.'),
    h(
      'p',
      { class: 'row' },
      service.signUp &&
        h(
          'button',
          { type: 'button', class: 'main', onclick: once(output, asNew) },
          'Sign up a new user, and log in',
        ),
      readSwaggerToken() &&
        h(
          'button',
          { type: 'button', onclick: once(output, async () => show(await takeFromSwagger(context))) },
          'Use the login of Swagger UI',
        ),
      h('a', { href: '#actions' }, 'Log in as an existing user'),
    ),
    demo && h('p', { class: 'row' }, 'Or log in as a', demo),
    output,
  )
}
