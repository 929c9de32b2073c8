// @ts-check

import { answerOf, once, results } from './bench.js'
import { fill, h } from './dom.js'
import { logIn, newVisitor, signUp, takeFromSwagger, tokenOfSwagger } from './log-in.js'

/** @typedef {import('./context.js').Context} Context */
/** @typedef {import('./context.js').Answer} Answer */

/**
 * @param {HTMLElement} section
 * @param {Context} context
 */
export function mount(section, context) {
  section.classList.add('bench')
  const visitor = newVisitor()
  const [email, secret] = [
    field('E-mail', visitor.email),
    field('Password, made up by this page', visitor.password),
  ]
  const [username, password] = [
    field('E-mail', visitor.email),
    field('Password', visitor.password, 'password'),
  ]
  const [title, content] = [
    field('Title', 'Radishes in eggshells'),
    field('Content', 'They need a hole in the bottom.'),
  ]
  const [post, dir] = [field('Post', '1', 'number'), choice('Vote', { 1: 'for it', 0: 'take it back' })]
  const token = () => {
    const known = context.session.get()?.access_token
    return known === undefined ? {} : { token: known }
  }
  fill(
    section,
    h('h2', {}, 'Actions: ask the service something'),
    h('p', {}, 'Each button sends what Swagger UI would. The timeline shows what becomes of it.'),
    h(
      'div',
      { class: 'columns' },
      action('Sign up', 'Users/createUser', [email, secret], context, async () => {
        const one = { email: email.value(), password: secret.value() }
        const answer = await signUp(one, context)
        if (answer.status === 201) {
          username.set(one.email)
          password.set(one.password)
        }
        return answer
      }),
      action('Log in', 'Authentication/login', [username, password], context, () =>
        logIn({ email: username.value(), password: password.value() }, context),
      ),
      action('Write a post', 'Posts/createPost', [title, content], context, async () => {
        const answer = await context.api('POST', '/posts', {
          ...token(),
          json: { title: title.value(), content: content.value() },
        })
        if (answer.status === 201) post.set(String(answer.body.id))
        return answer
      }),
      action('Vote', 'Votes/vote', [post, dir], context, () =>
        context.api('POST', '/vote', {
          ...token(),
          json: { post_id: Number(post.value()), dir: Number(dir.value()) },
        }),
      ),
    ),
    who(context),
  )
}

/**
 * @param {string} name
 * @param {string} operation in Swagger UI's address
 * @param {Field[]} fields
 * @param {Context} context
 * @param {() => Promise<Answer>} send
 */
function action(name, operation, fields, context, send) {
  const output = results(`Answer to: ${name}`)
  const act = once(output, async () => {
    const answer = await send()
    fill(
      output,
      h(
        'div',
        { class: answer.status < 400 ? 'answer good' : 'answer bad' },
        answerOf(answer, context),
        answer.body !== '' && h('pre', {}, JSON.stringify(answer.body, null, 2)),
      ),
    )
  })
  return h(
    'form',
    { class: 'card action', onsubmit: act },
    h('h3', {}, name),
    fields.map(({ label }) => label),
    h(
      'p',
      { class: 'row' },
      h('button', { class: 'main' }, name),
      h('a', { href: `/docs#/${operation}`, target: '_blank' }, 'Open in Swagger UI'),
    ),
    output,
  )
}

/** @param {Context} context */
function who(context) {
  const output = results('Who is signed in')
  const place = h('p', { class: 'row' })
  context.session.watch((user) => {
    const take = once(output, async () => {
      const answer = await takeFromSwagger(context)
      if (answer.status >= 400) fill(output, answerOf(answer, context))
    })
    fill(
      place,
      user
        ? `Posts and votes are those of ${user.email}.`
        : 'Nobody is signed in: posts and votes will be a 401.',
      user &&
        h('button', { type: 'button', onclick: () => context.session.set(undefined) }, 'Forget the token'),
      !user &&
        tokenOfSwagger() &&
        h('button', { type: 'button', onclick: take }, 'Take the log-in of Swagger UI'),
    )
  })
  return h('div', {}, place, output)
}

/** @typedef {{ label: HTMLLabelElement, value: () => string, set: (value: string) => void }} Field */

/**
 * @param {string} name
 * @param {string} value
 * @param {string} [type]
 * @returns {Field}
 */
function field(name, value, type = 'text') {
  const input = h('input', { type, value, required: true, spellcheck: 'false', autocomplete: 'off' })
  return asField(name, input)
}

/**
 * @param {string} name
 * @param {Record<string, string>} options
 * @returns {Field}
 */
function choice(name, options) {
  const entries = Object.entries(options).reverse()
  return asField(
    name,
    h(
      'select',
      {},
      entries.map(([value, text]) => h('option', { value }, text)),
    ),
  )
}

/**
 * @param {string} name
 * @param {HTMLInputElement | HTMLSelectElement} input
 * @returns {Field}
 */
function asField(name, input) {
  return {
    label: h('label', {}, h('span', {}, name), input),
    value: () => input.value,
    set: (value) => {
      input.value = value
    },
  }
}
