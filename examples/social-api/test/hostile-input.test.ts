import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import { promisify } from 'node:util'
import t from 'tap'
import { buildOffline, serve } from '../../../test-support/social-api.ts'
import { createLogger } from '../platform/logging.ts'

const PASSWORD = 'a good password'

/** Sends bytes as they are, and returns everything that comes back until the server closes the connection. */
async function exchange(url: string, bytes: string | Buffer): Promise<string> {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.end(bytes)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  await once(socket, 'close')
  return text
}

t.test('a long Accept header costs nothing, and is ignored', async (t) => {
  const app = await buildOffline(t)
  const page = await app.inject({ url: '/', headers: { accept: 'text/html' } })
  t.match(page.headers['content-type'], /^text\/html/)
  for (const name of ['accept', 'accept-language', 'accept-encoding', 'accept-charset']) {
    for (const filler of [',', ';', 'a,', 'a;', '*/*,', 'text/html;a="",']) {
      const value = `text/html;a="${filler.repeat(15_000 / filler.length)}"`
      const start = performance.now()
      const { statusCode } = await app.inject({ url: '/', headers: { [name]: value } })
      t.equal(statusCode, 200, `${name}: ${filler}`)
      t.ok(performance.now() - start < 1_000)
    }
  }
  const long = await app.inject({ url: '/', headers: { accept: `text/html${','.repeat(2_000)}` } })
  t.match(long.headers['content-type'], /^application\/json/)
})

t.test('a request has one Host header, and it is a host', async (t) => {
  const { url } = await serve(t)
  const ask = async (target: string, ...headers: string[]) =>
    (
      await exchange(
        url,
        Buffer.from(
          `GET ${target} HTTP/1.1\r\n${headers.join('\r\n')}\r\nConnection: close\r\n\r\n`,
          'latin1',
        ),
      )
    ).slice(9, 12)
  for (const host of ['a', 'a.example:80', '[::1]:3000', '127.0.0.1', 'a_b.example'])
    t.equal(await ask('/', `Host: ${host}`), '200', host)
  for (const host of ['a/b', 'a b', 'a@b', 'a?b', '\x9b31mRED', '<b>', 'a"b', 'a\\b'])
    t.equal(await ask('/', `Host: ${host}`), '400', host)
  t.equal(await ask('/', 'Host: a', 'Host: b'), '400')
  t.equal(await ask('/', 'Host: a', 'hOST: a'), '400')
  t.equal(await ask('*', 'Host: a'), '400')
})

t.test('emails that look the same are the same, and invisible characters are rejected', async (t) => {
  const { app, call } = await serve(t)
  const signUp = async (email: string) =>
    (await call('POST', '/users', { json: { email, password: PASSWORD } })).status
  t.equal(await signUp('caf\u00e9@example.com'), 201)
  t.equal(await signUp('cafe\u0301@example.com'), 409)
  const { email } = await app.knex('users').first()
  t.equal(email, 'caf\u00e9@example.com')
  for (const username of ['caf\u00e9@example.com', 'cafe\u0301@example.com', 'CAFE\u0301@example.com'])
    t.equal((await call('POST', '/login', { form: { username, password: PASSWORD } })).status, 200, username)
  for (const character of [
    ...'\u3164\uffa0\u115f\u1160\u200b\u200d\u00ad\u034f\u180e\u2060\ufeff\u202e\u2066\ufe0f',
    '\u{e0001}',
    '\u{1d173}',
    '\u0001',
    '\u001b',
    '\u007f',
    '\u009b',
  ])
    t.equal(await signUp(`a${character}b@example.com`), 422, `U+${character.codePointAt(0)?.toString(16)}`)
})

t.test('control characters are escaped in every line of the log, for machines and for people', async (t) => {
  const hostile = '\u009b31mRED\u007f\u202egnol\u2066\u061c\u200f\u2028\ufeff\u001b[2J'
  const lines: string[] = []
  const log = createLogger({
    level: 'info',
    readable: false,
    destination: { write: (line) => void lines.push(line) },
  })
  log.info({ host: hostile, nested: { [hostile]: hostile } }, hostile)
  t.notMatch(lines[0], /[\u007f-\u009f\u061c\u200e\u200f\u2028\u202a-\u202e\u2066-\u2069\ufeff]/)
  t.match(JSON.parse(lines[0] as string), { host: hostile, msg: hostile }, 'and the JSON still says the same')

  const program = `
    const { createLogger } = await import(${JSON.stringify(import.meta.resolve('../platform/logging.ts'))})
    const log = createLogger({ level: 'info', readable: true })
    log.info({ host: ${JSON.stringify(hostile)} }, ${JSON.stringify(`${hostile} \\u001b[2J`)})
    log.error(new Error('two\\nlines'))`
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--import', 'tsx', '--input-type=module', '--eval', program],
  ])
  t.notMatch(stdout, /[\u007f-\u009f\u061c\u200e\u200f\u2028\u202a-\u202e\u2066-\u2069\ufeff]/)
  t.notMatch(stdout, '\u001b[2J')
  t.match(stdout, '\\u009b31mRED')
})

t.test('a client gets to read its 413, even if it sends all of a large body first', async (t) => {
  const { url } = await serve(t)
  const head = (length: number | 'chunked') =>
    `POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n${
      length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
    }\r\n\r\n`
  for (const size of [33 * 1024, 1 << 20, 7 << 20]) {
    const body = Buffer.alloc(size, ' ')
    for (let attempt = 0; attempt < 3; attempt++) {
      const response = await exchange(url, Buffer.concat([Buffer.from(head(size)), body]))
      t.match(response, /^HTTP\/1\.1 413 .*"PAYLOAD_TOO_LARGE"/s, `${size} bytes`)
    }
    const chunked = [head('chunked'), `${size.toString(16)}\r\n`, body, '\r\n0\r\n\r\n']
    const response = await exchange(url, Buffer.concat(chunked.map((part) => Buffer.from(part))))
    t.match(response, /^HTTP\/1\.1 413 .*"PAYLOAD_TOO_LARGE"/s, `${size} bytes in chunks`)
  }
})

t.test('a user keeps the newest hundred logins, and the oldest one ends', async (t) => {
  const { app, call, signUp } = await serve(t)
  const { id } = await signUp('ana@example.com')
  const logIn = () => call('POST', '/login', { form: { username: 'ana@example.com', password: PASSWORD } })
  const { body: first } = await logIn()
  await app.knex.raw(
    `INSERT INTO refresh_families (id, user_id, digest, expires_at, created_at)
     SELECT 'family ' || n, ?, '', now() + interval '1 day', now() + n * interval '1 second' FROM generate_series(1, 150) AS n`,
    [id],
  )
  await app.knex.raw("UPDATE refresh_families SET created_at = now() - interval '1 hour' WHERE digest <> ''")
  await logIn()
  t.equal((await app.knex('refresh_families').where({ user_id: id })).length, 100)
  const refresh = await call('POST', '/token/refresh', { json: { refresh_token: first.refresh_token } })
  t.equal(refresh.status, 401)
})
