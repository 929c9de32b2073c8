// Swagger UI keeps the login over a reload. This removes the secrets from it, so only the access token stays.
const { setItem } = Storage.prototype
Storage.prototype.setItem = function (name, value) {
  const isSecret = (member, one) => typeof one === 'string' && ['password', 'refresh_token'].includes(member)
  const kept =
    name === 'authorized'
      ? JSON.stringify(JSON.parse(value), (...one) => (isSecret(...one) ? undefined : one[1]))
      : value
  setItem.call(this, name, kept)
}

/** A plugin of Swagger UI: errors take one line each, and those that any operation can have take one line together. */
function shortenErrors({ React: { createElement: h, Fragment } }) {
  const linkToError = (code) => h('a', { key: code, href: `/guide/errors/${code}` }, code)

  /** Returns the examples of a response that is a problem document: pairs of a code and `{ value, x-common }`. */
  const readProblems = (response) =>
    Object.entries(response.getIn(['content', 'application/problem+json', 'examples'])?.toJS() ?? {})

  const isOwn = ([, example]) => !example['x-common']

  const Problem = ({ code, value }) =>
    h(
      'details',
      { className: 'problem' },
      h('summary', null, h('code', null, code), ' ', value.detail),
      h('p', null, linkToError(code), ' is explained in the guide.'),
      h('pre', { tabIndex: 0 }, JSON.stringify(value, undefined, 2)),
    )

  const Response = (Original) => (props) => {
    const problems = readProblems(props.response)
    if (problems.length === 0) return h(Original, props)
    const own = problems.filter(isOwn)
    if (own.length === 0) return null
    return h(
      'tr',
      { className: 'response' },
      h('td', { className: 'response-col_status' }, props.code),
      h(
        'td',
        { className: 'response-col_description' },
        own.map(([code, { value }]) => h(Problem, { key: code, code, value })),
      ),
    )
  }

  const Responses = (Original) => (props) => {
    const problems = props.responses.valueSeq().toArray().flatMap(readProblems)
    const common = problems.filter((problem) => !isOwn(problem)).map(([code]) => code)
    return h(
      Fragment,
      null,
      h(Original, props),
      h(
        'p',
        { className: 'common-problems' },
        'Like most operations, it can also respond with ',
        common.flatMap((code, index) => [index > 0 && ', ', linkToError(code)]),
        '.',
      ),
    )
  }

  const LiveResponse = (Original) => (props) => {
    const [, code] = /"type":\s*"\/guide\/errors\/(\w+)"/.exec(props.response.get('text')) ?? []
    const line = h('p', { className: 'live-problem' }, 'What does it mean? ', linkToError(code))
    return h(Fragment, null, h(Original, props), code && line)
  }

  return {
    wrapComponents: {
      response: Response,
      responses: Responses,
      liveResponse: LiveResponse,
      TextArea: (Original) => (props) => h(Original, { 'aria-label': 'Request body', ...props }),
      // The original is a link, and stands in a button: no keyboard reaches that.
      DeepLink:
        () =>
        ({ text }) =>
          h('span', null, text),
    },
  }
}

/** A plugin of Swagger UI: a failed login shows the service's own words, and Enter logs in. */
function explainLogin() {
  document.addEventListener('keydown', ({ key, target }) => {
    if (key !== 'Enter' || !target.matches('.auth-container input')) return
    target.closest('.auth-container').querySelector('.authorize').click()
  })
  const newAuthErr = (original) => (error) =>
    original({ ...error, message: error.message.replace(/^Error: /, '') })
  return { statePlugins: { err: { wrapActions: { newAuthErr } } } }
}

/** The text that Swagger UI shows for a failed login is the response's status text. */
function showDetail(response) {
  if (response.ok || !/\/login$/.test(response.url)) return response
  response.statusText = JSON.parse(response.data).detail
  return response
}

function followTheme() {
  const { classList } = document.documentElement
  const follow = () => {
    if (classList.contains('dark') !== classList.contains('dark-mode')) classList.toggle('dark-mode')
  }
  new MutationObserver(follow).observe(document.documentElement, { attributeFilter: ['class'] })
  follow()
}

followTheme()
SwaggerUIBundle({
  dom_id: '#swagger-ui',
  url: '/docs/json',
  validatorUrl: null,
  deepLinking: true,
  tryItOutEnabled: true,
  persistAuthorization: true,
  displayRequestDuration: true,
  showCommonExtensions: true,
  defaultModelsExpandDepth: 0,
  responseInterceptor: showDetail,
  plugins: [shortenErrors, explainLogin],
})
