import t from 'tap'
import { callRaw, serve } from '../../../test-support/social-api.ts'
import { createLogger, createRequestId } from '../platform/logging.ts'

/** Records the log lines of the shared service. */
const shared = recordLog()
const { app, call, signUp, url } = await serve(t, { loggerInstance: shared.log })

const SECRETS = [
  'password',
  'current_password',
  'new_password',
  'client_secret',
  'access_token',
  'refresh_token',
  'token',
  'secret',
  'authorization',
  'cookie',
]

for (const name of SECRETS) {
  t.test(`the member ${name} is redacted, at the top level and in nested objects`, async (t) => {
    const { log, lines } = recordLog()
    log.info({ [name]: 'hush' }, 'message')
    log.info({ body: { [name]: 'hush' } }, 'message')
    log.info({ request: { headers: { [name]: 'hush' } } }, 'message')
    log.child({ [name]: 'hush' }).info('message')
    t.equal(lines.length, 4)
    t.notMatch(JSON.stringify(lines), /hush/)
    t.match(lines, [
      { [name]: '[redacted]' },
      { body: { [name]: '[redacted]' } },
      { request: { headers: { [name]: '[redacted]' } } },
      { [name]: '[redacted]' },
    ])
  })
}

t.test(
  'a request is logged with its path, without the query, the address and possible secrets',
  async (t) => {
    const { log, lines } = recordLog()
    for (const [url, logged] of [
      ['/posts/17', '/posts/17'],
      ['/posts?search=hush&access_token=hush', '/posts'],
      ['/?hush', '/'],
      ['/users/hush@example.com/x', '/users/[redacted]/x'],
      ['/users/hush%40example.com', '/users/[redacted]'],
      [`/login/${'hush'.repeat(11)}/x`, '/login/[redacted]/x'],
      [`/posts/${'9'.repeat(40)}`, `/posts/${'9'.repeat(40)}`],
    ]) {
      log.info({ req: { method: 'GET', host: 'localhost', ip: 'hush', originalUrl: url } })
      t.same((lines.at(-1) as { req: object }).req, { method: 'GET', url: logged, host: 'localhost' })
    }
    t.notMatch(JSON.stringify(lines), /hush/)
  },
)

t.test('the log lines of a request have the id of its user, and no email, address or token', async (t) => {
  const { lines } = shared
  const { id, token } = await signUp('whisper@example.com')
  lines.length = 0
  await call('GET', '/users/me', { token })
  await call('GET', '/posts?search=whisper', { token })
  await call('GET', '/posts/0', { token })
  await call('GET', '/posts')
  const completed = lines.filter((line) => (line as { msg: string }).msg === 'request completed')
  t.same(
    completed.map((line) => (line as { user?: number }).user),
    [id, id, id, undefined],
  )
  t.notMatch(JSON.stringify(lines), /whisper|127\.0\.0\.1"/)
  t.notMatch(JSON.stringify(lines), token)
})

t.test('a Set-Cookie header is redacted', async (t) => {
  const { log, lines } = recordLog()
  log.info({ response: { headers: { 'set-cookie': ['hush'], 'content-type': 'text/html' } } })
  t.match(lines, [{ response: { headers: { 'set-cookie': '[redacted]', 'content-type': 'text/html' } } }])
})

t.test('members that are not secret are logged unchanged', async (t) => {
  const { log, lines } = recordLog()
  const members = { user: { id: 7, tokens: 3 }, passwordless: true, headers: { accept: '*/*' } }
  log.info(members, 'message')
  t.match(lines, [{ ...members, msg: 'message' }])
})

t.test('an error of Postgres is logged without the values of its row', async (t) => {
  const { log, lines } = recordLog()
  const error = await causeUniqueViolation()
  t.match(error, { code: '23505', detail: /whisper-again@example\.com/ }, 'the error contains them')
  log.error(error)
  log.error({ err: error }, 'message')
  log.error({ err: new Error('around it', { cause: error }) })

  t.notMatch(JSON.stringify(lines), /whisper/i)
  t.notMatch(JSON.stringify(lines), /"detail"/)
  const described = { code: '23505', message: /users_email_key/, stack: /users_email_key/ }
  t.match(lines, [
    { err: described },
    { err: described },
    { err: { message: 'around it', cause: described } },
  ])
})

t.test('lines below the log level are not written', async (t) => {
  const { log, lines } = recordLog()
  log.debug('quiet')
  log.info('loud')
  t.match(lines, { length: 1, 0: { msg: 'loud' } })
})

t.test('control characters are escaped in every log line', async (t) => {
  const hostile = '\u009b31mRED\u007f\u202egnol\u2066\u061c\u200f\u2028\ufeff\u001b[2J'
  const lines: string[] = []
  const log = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } })
  log.info({ host: hostile, nested: { [hostile]: hostile } }, hostile)
  t.notMatch(lines[0], /[\u007f-\u009f\u061c\u200e\u200f\u2028\u202a-\u202e\u2066-\u2069\ufeff]/)
  t.match(JSON.parse(lines[0] as string), { host: hostile, msg: hostile }, 'the parsed JSON is unchanged')
})

t.test('a request id from a proxy is kept if it has only safe characters', async (t) => {
  for (const id of ['a', '0123456789abcdef0123456789abcdef', 'req-1_2.3', 'x'.repeat(64)]) {
    t.equal(createRequestId({ headers: { 'x-request-id': id } }), id)
  }
})

t.test('any other request id is replaced by a random one', async (t) => {
  const made = new Set<string>()
  const unsafe = [undefined, '', ' ', 'a b', 'a\nb', 'é', 'a,b', 'a, b', '<b>', '"', '{}', 'x'.repeat(65)]
  for (const id of unsafe) {
    const own = createRequestId({ headers: { 'x-request-id': id } })
    t.match(own, /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, JSON.stringify(id))
    made.add(own)
  }
  t.equal(made.size, unsafe.length)
})

t.test('the response header, the problem’s instance and the log have the same request id', async (t) => {
  const lines = shared.lines as { reqId?: string }[]
  for (const path of ['/nothing', '/posts', '/posts/%zz', `/posts/${'9'.repeat(101)}`]) {
    const given = await callRaw(url, path, { headers: { 'x-request-id': 'proxy.7' } })
    t.equal(given.headers.get('x-request-id'), 'proxy.7', path)
    t.equal(given.body.instance, 'proxy.7')
    const made = await callRaw(url, path, { headers: { 'x-request-id': 'a b' } })
    t.match(made.headers.get('x-request-id'), /^req-/)
    t.equal(made.body.instance, made.headers.get('x-request-id'))
    t.ok(lines.some(({ reqId }) => reqId === made.body.instance))
  }
  t.ok(lines.some(({ reqId }) => reqId === 'proxy.7'))
  t.equal(
    (await callRaw(url, '/health', { headers: { 'x-request-id': 'ok' } })).headers.get('x-request-id'),
    'ok',
  )
})

function recordLog() {
  const lines: object[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  return { lines, log: createLogger({ level: 'info', destination }) }
}

async function causeUniqueViolation(): Promise<Error> {
  await app.knex('users').insert({ email: 'whisper-again@example.com', password: 'x' })
  try {
    await app.knex('users').insert({ email: 'Whisper-again@example.com', password: 'x' })
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('The second email was accepted.')
}
