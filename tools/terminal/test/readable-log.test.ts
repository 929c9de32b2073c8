import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { createLogger } from '../../../examples/social-api/platform/logging.ts'
import { type Output, ReadableLog, type ReadableLogOptions } from '../src/readable-log.ts'

const HOSTILE = '\u009b31mRED\u007f\u202egnol\u2066\u061c\u200f\u2028\ufeff\u001b[2J\r\b'
const CONTROLS = /[^\P{Cc}\n]|[\p{Cf}\u2028\u2029]/u
const LONG_SQL = `select ${'"posts"."title", '.repeat(20)}1`

/** Creates a logger like that of the service, whose lines go to a terminal of this kind. */
function open(terminal: Partial<Output> = {}, options: ReadableLogOptions = {}) {
  const chunks: string[] = []
  const output = { ...terminal, write: (chunk: string) => chunks.push(chunk) }
  const readable = new ReadableLog(output, options)
  const log = createLogger({ level: 'debug', destination: readable })
  /** Logs a request as Fastify does. */
  const logRequest = (url = '/vote', statusCode = 409, statement = 'BEGIN') => {
    const request = log.child({ reqId: 'req-3f2a1c77-0000-4000-8000-000000000000' })
    request.info({ req: { method: 'POST', originalUrl: url, host: 'x' } }, 'incoming request')
    request.debug({ ms: 0.31 }, statement)
    request.setBindings({ user: 7, code: 'ALREADY_VOTED' })
    request.info({ res: { statusCode }, responseTime: 13.7 }, 'request completed')
  }
  return { log, readable, output, logRequest, text: () => chunks.splice(0).join('') }
}

t.test('outside of a terminal, lines are plain and are not wrapped', async (t) => {
  const { text, logRequest } = open()
  logRequest('/vote', 409, LONG_SQL)
  const [first, second, ...rest] = text().split('\n')
  t.match(first, /^POST \/vote 409 ALREADY_VOTED 14 ms {2}3f2a1c user 7 \d\d:\d\d:\d\d$/)
  t.equal(second, `     0.3 ms  ${LONG_SQL}`)
  t.same(rest, [''])
})

t.test(
  'on a terminal, every line of more than a word fits its width, also after it was resized',
  async (t) => {
    for (const columns of [40, 60, 80, 120]) {
      const { text, log, logRequest, output } = open({ columns: 500 })
      output.columns = columns
      logRequest('/vote', 409, LONG_SQL)
      log.warn({ one: 'x '.repeat(50) }, 'a warning '.repeat(20))
      log.error(new Error('a long message '.repeat(20)))
      const lines = text().split('\n')
      t.match(lines[0], 'POST /vote 409 ALREADY_VOTED 14 ms')
      t.equal(/3f2a1c/.test(lines[0] ?? ''), columns > 40)
      t.equal(/3f2a1c user 7 \d\d:\d\d:\d\d$/.test(lines[0] ?? ''), columns >= 60)
      t.same(
        lines.filter((line) => line.length > columns && /\S \S/.test(line)),
        [],
        `${columns} columns`,
      )
      t.match(
        lines.slice(1, 4),
        [/^ +0\.3 ms {2}select/, /^ {13}\S.*"/, /^ {13}\S.* …$/],
        'a long statement has three rows',
      )
    }
  },
)

t.test('a URL that is longer than a line is not broken', async (t) => {
  const { text, log } = open({ columns: 40 })
  const url = `http://127.0.0.1:3000/xray?key=${'k'.repeat(64)}`
  log.info(`X-ray shows what happens inside each request: ${url}`)
  t.equal(text(), `X-ray shows what happens inside each\n  request:\n  ${url}\n`)
})

t.test('colors show the outcome, if the terminal has colors', async (t) => {
  for (const [status, color] of [
    [201, '32'],
    [304, '36'],
    [409, '33'],
    [503, '31'],
  ] as const) {
    const colored = open({ hasColors: () => true })
    colored.logRequest('/vote', status)
    const printed = colored.text()
    t.match(printed, `\u001b[${color}m${status} ALREADY_VOTED\u001b[39m`)
    const plain = open({ hasColors: () => false })
    plain.logRequest('/vote', status)
    t.equal(plain.text().replace(/[\d:]{8}/, ''), stripVTControlCharacters(printed).replace(/[\d:]{8}/, ''))
  }
})

t.test('control characters are escaped wherever they are', async (t) => {
  const { text, log, logRequest } = open()
  logRequest(`/${HOSTILE}`, 200, HOSTILE)
  log.info({ host: HOSTILE, nested: { [HOSTILE]: HOSTILE } }, HOSTILE)
  log.warn({ reqId: HOSTILE, code: HOSTILE, req: { method: HOSTILE, originalUrl: HOSTILE } }, HOSTILE)
  const error = Object.assign(new Error(HOSTILE, { cause: new Error(HOSTILE) }), { code: HOSTILE })
  log.error(error)
  const printed = text()
  t.notMatch(printed, CONTROLS)
  t.equal(printed.match(/\\u009b31mRED/g)?.length, 14, 'all of them')
})

t.test('a line feed cannot make a text look like a new log line', async (t) => {
  for (const columns of [undefined, 60]) {
    const { text, log, logRequest } = open(columns === undefined ? {} : { columns })
    const forged = 'x\nPOST /forged 200 1 ms'
    logRequest('/vote', 409, forged)
    log.info(forged)
    log.error({ err: new Error(forged) }, forged)
    t.notMatch(text(), /^POST \/forged/m)
  }
})

t.test('secrets are redacted, and an additional member is printed', async (t) => {
  const { text, log } = open()
  log.info({ body: { password: 'hush', title: 'shown' } }, 'created')
  t.match(text(), /^created {"body":{"password":"\[redacted\]","title":"shown"}} {2}[\d:]{8}\n$/)
})

t.test('messages are printed immediately, and a request when it ends', async (t) => {
  const { text, log } = open()
  const request = log.child({ reqId: 'a' })
  request.info({ req: { method: 'GET', originalUrl: '/slow', host: 'x' } }, 'incoming request')
  request.debug({ ms: 1 }, 'BEGIN')
  t.equal(text(), '')
  request.warn('it takes long')
  t.match(text(), /^WARN it takes long {2}a [\d:]{8}\n$/)
  request.error({ res: { statusCode: 200 }, responseTime: 1, err: new Error('aborted') }, 'request errored')
  t.match(text(), /^GET \/slow 200 1 ms.*\n +1\.0 ms {2}BEGIN\n {2}Error: aborted\n {4}at /)
})

t.test('progress is one line, which warnings and the greeting replace', async (t) => {
  const { text, log, readable } = open({ columns: 20 }, { showsProgress: true })
  log.info('a message that does not fit on this line')
  t.equal(text(), '\r\u001b[Ka message that does')
  log.warn('careful')
  t.ok(text().startsWith('\r\u001b[KWARN careful'))
  readable.greet('ready\n')
  t.equal(text(), '\r\u001b[Kready\n')
  log.info('later')
  t.match(text(), /^later {2}[\d:]{8}\n$/)
})
