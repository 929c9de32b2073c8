// @ts-check

import { drawResponse, once, results } from './bench.js'
import { fill, h } from './dom.js'
import {
  createVisitor,
  demoUsers,
  logIn,
  readSwaggerToken,
  signUp,
  takeFromSwagger,
  watchSwagger,
} from './login.js'
import { service } from './service.js'

/** @typedef {import('./context.js').Context} Context */
/** @typedef {import('./context.js').ServiceReply} ServiceReply */
/** @typedef {import('../server/service-description.ts').Operation} Operation */
/** @typedef {{ label: HTMLLabelElement, value: () => string, set: (value: string) => void }} Input */

/**
 * @param {HTMLElement} section
 * @param {Context} context
 */
export function mount(section, context) {
  section.classList.add('bench')
  const visitor = createVisitor()
  const [email, secret] = [
    createInput('Email', visitor.email),
    createInput('Password, made up by this page', visitor.password),
  ]
  const [username, password] = [
    createInput('Email', visitor.email),
    createInput('Password', visitor.password, 'password'),
  ]
  const demo = demoUsers((one) => {
    username.set(one.email)
    password.set(one.password)
  })
  fill(
    section,
    h('h2', {}, 'Actions: send the service a request'),
    h('p', {}, 'Each button sends a real request. The timeline shows what happens.'),
    signedInUser(context),
    h(
      'div',
      { class: 'columns' },
      service.signUp &&
        form(service.signUp, [email.label, secret.label], context, async () => {
          const one = { email: email.value(), password: secret.value() }
          const reply = await signUp(one, context)
          if (reply.status === 201) {
            username.set(one.email)
            password.set(one.password)
          }
          return reply
        }),
      service.logIn &&
        form(service.logIn, [demo, username.label, password.label], context, () =>
          logIn({ email: username.value(), password: password.value() }, context),
        ),
      actionForms(context),
    ),
  )
}

/** @param {Context} context */
function actionForms(context) {
  /** @type {Map<string, Input>} */
  const inputs = new Map()
  return (service.actions ?? []).map((action) => {
    const fields = action.fields.map((field) => {
      const input = inputFor(field)
      inputs.set(field.name, input)
      return /** @type {const} */ ([field, input])
    })
    const send = async () => {
      const members = fields.map(([{ name, value }, input]) => [
        name,
        typeof value === 'number' ? Number(input.value()) : input.value(),
      ])
      const token = context.user.get()?.access_token
      const reply = await context.api(action.method, action.path, {
        json: Object.fromEntries(members),
        ...(token !== undefined && { token }),
      })
      if (action.fills && reply.status < 300)
        inputs.get(action.fills.field)?.set(String(reply.body[action.fills.member]))
      return reply
    }
    return form(
      action,
      fields.map(([, input]) => input.label),
      context,
      send,
    )
  })
}

/**
 * @param {Operation} operation
 * @param {(HTMLLabelElement | undefined)[]} labels
 * @param {Context} context
 * @param {() => Promise<ServiceReply>} send
 */
function form({ title, docs }, labels, context, send) {
  const output = results(`Response to: ${title}`)
  const submit = once(output, async () => {
    const reply = await send()
    fill(
      output,
      h(
        'div',
        { class: reply.status < 400 ? 'reply good' : 'reply bad' },
        drawResponse(reply, context),
        reply.body !== '' && h('pre', {}, JSON.stringify(reply.body, null, 2)),
      ),
    )
  })
  return h(
    'form',
    { class: 'card action', onsubmit: submit },
    h('h3', {}, title),
    labels,
    h(
      'p',
      { class: 'row' },
      h('button', { class: 'main' }, title),
      service.apiDocs &&
        docs &&
        h('a', { href: `${service.apiDocs}#/${docs}`, target: '_blank' }, 'Open in Swagger UI'),
    ),
    output,
  )
}

/** @param {Context} context */
function signedInUser(context) {
  const output = results('Who is logged in')
  const place = h('p', { class: 'row' })
  const draw = () => {
    const user = context.user.get()
    const take = once(output, async () => {
      const reply = await takeFromSwagger(context)
      if (reply.status >= 400) fill(output, drawResponse(reply, context))
    })
    fill(
      place,
      user
        ? `Requests are sent as ${user.email}.`
        : 'Nobody is logged in. A request that needs a token gets a 401.',
      user && h('button', { type: 'button', onclick: () => context.user.set(undefined) }, 'Forget the token'),
      !user &&
        readSwaggerToken() &&
        h('button', { type: 'button', onclick: take }, 'Use the login of Swagger UI'),
    )
  }
  context.user.watch(draw)
  watchSwagger(draw)
  return h('div', {}, place, output)
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string} [type]
 * @returns {Input}
 */
function createInput(name, value, type = 'text') {
  return labelled(name, h('input', { type, value, required: true, spellcheck: 'false', autocomplete: 'off' }))
}

/**
 * @param {import('../server/service-description.ts').Field} field
 * @returns {Input}
 */
function inputFor({ label, value, options }) {
  if (options === undefined)
    return createInput(label, String(value), typeof value === 'number' ? 'number' : 'text')
  return labelled(
    label,
    h(
      'select',
      {},
      options.map(([one, text]) => h('option', { value: one, selected: one === value }, text)),
    ),
  )
}

/**
 * @param {string} name
 * @param {HTMLInputElement | HTMLSelectElement} input
 * @returns {Input}
 */
function labelled(name, input) {
  return {
    label: h('label', {}, h('span', {}, name), input),
    value: () => input.value,
    set: (value) => {
      input.value = value
    },
  }
}
