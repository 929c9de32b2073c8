import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { jwtRemote } from '../src/index.ts'
import { makeKey, optionsFor, setOf, sign, startProvider } from './support.ts'

const key = makeKey('2026-11')
const remote = jwtRemote(optionsFor({ jwks: setOf(key) }))
const INVALID = 'Bearer error="invalid_token", error_description="The access token is invalid"'
const EXPIRED = 'Bearer error="invalid_token", error_description="The access token expired"'

/** Credentials, and the status and challenge of the response. */
const CASES = [
  [`Bearer ${await sign(key)}`, 200, undefined],
  [`bearer  ${await sign(key)}`, 200, undefined],
  [undefined, 401, 'Bearer'],
  ['Basic dTpw', 401, 'Bearer'],
  [
    'Bearer',
    400,
    'Bearer error="invalid_request", error_description="The Authorization header is malformed"',
  ],
  [
    'Bearer a b',
    400,
    'Bearer error="invalid_request", error_description="The Authorization header is malformed"',
  ],
  ['Bearer abc', 401, INVALID],
  [`Bearer ${await sign(makeKey('2026-11'))}`, 401, INVALID],
  [`Bearer ${await sign(key, { exp: 1 })}`, 401, EXPIRED],
] as const

type Failure = Error & { statusCode: number; headers?: Record<string, string> }

async function listen(t: Test, handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server: Server = createServer(handle).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function fail(response: ServerResponse, { statusCode, headers }: Failure) {
  response.writeHead(statusCode, headers).end()
}

async function checkCases(t: Test, url: string) {
  for (const [authorization, status, challenge] of CASES) {
    const response = await fetch(url, { headers: authorization === undefined ? {} : { authorization } })
    t.equal(response.status, status, authorization ?? 'none')
    t.equal(response.headers.get('www-authenticate') ?? undefined, challenge)
    const body = await response.text()
    if (status === 200) t.equal(body, '7')
  }
}

t.test('guards a route of Fastify, with no error handler but Fastify’s', async (t) => {
  const app = fastify()
  app.get('/', { onRequest: remote.guard() }, async (request) => remote.claims(request).sub)
  app.get('/open', async (request) => remote.claims(request).sub)
  t.teardown(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  await checkCases(t, url)
  t.match((await app.inject('/open')).json(), { statusCode: 500, code: 'JWT_KIT_NOT_GUARDED' })
})

t.test('guards as a middleware that calls `next`', async (t) => {
  const guard = remote.guard()
  const url = await listen(t, (request, response) => {
    guard(request, response, (error) =>
      error === undefined ? response.end(remote.claims(request).sub) : fail(response, error as Failure),
    )
  })
  await checkCases(t, url)
})

t.test('authenticates a request of Node’s http', async (t) => {
  const url = await listen(t, (request, response) => {
    remote.verifyRequest(request).then(
      ({ sub }) => response.end(sub),
      (error) => fail(response, error),
    )
  })
  await checkCases(t, url)
})

t.test('authenticates a request of fetch', async (t) => {
  for (const [authorization, status, challenge] of CASES) {
    const request = new Request('https://api.example/', {
      headers: authorization === undefined ? {} : { authorization },
    })
    const found = await remote.verifyRequest(request).catch((error: Failure) => error)
    if ('sub' in found) t.match([found.sub, remote.claims(request).sub], ['7', '7'])
    else t.match([found.statusCode, found.headers?.['www-authenticate']], [status, challenge])
  }
})

t.test('two Authorization headers are a 400, though Node drops the second', async (t) => {
  const url = await listen(t, (request, response) => {
    remote.verifyRequest(request).then(
      ({ sub }) => response.end(sub),
      (error) => fail(response, error),
    )
  })
  const header = `authorization: Bearer ${await sign(key)}\r\n`
  t.match(await sendRaw(url, header), /^HTTP\/1.1 200/)
  t.match(await sendRaw(url, header + header), /^HTTP\/1.1 400/)
})

function sendRaw(url: string, headers: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () =>
      socket.write(`GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n`),
    )
    socket.on('data', (data) => {
      received += data
    })
    socket.on('error', reject).on('close', () => resolve(received))
  })
}

t.test('the log learns the reason, and the client does not', async (t) => {
  const lines: Record<string, unknown>[] = []
  const app = fastify({ logger: { stream: { write: (line: string) => lines.push(JSON.parse(line)) } } })
  app.get('/', { onRequest: remote.guard() }, async () => 'ok')
  const token = await sign(key, {}, { kid: 'other' })
  const reply = await app.inject({ url: '/', headers: { authorization: `Bearer ${token}` } })
  t.same(reply.json(), {
    statusCode: 401,
    code: 'JWT_KIT_INVALID_TOKEN',
    error: 'Unauthorized',
    message: 'The access token is invalid',
  })
  t.match(lines.find((line) => line.err)?.err, { reason: 'JWT_KIT_UNKNOWN_KEY' })
  t.notOk(JSON.stringify(lines).includes(token))
})

t.test('a provider that fails is a 503 with Retry-After, and no challenge', async (t) => {
  const provider = await startProvider(t, (_request, response) => response.writeHead(500).end())
  const failing = jwtRemote(optionsFor(provider))
  const app = fastify()
  app.get('/', { onRequest: failing.guard() }, async () => 'ok')
  const reply = await app.inject({ url: '/', headers: { authorization: `Bearer ${await sign(key)}` } })
  t.equal(reply.statusCode, 503)
  t.equal(reply.headers['retry-after'], '1')
  t.notOk('www-authenticate' in reply.headers)
  t.match(reply.json(), { code: 'JWT_REMOTE_UNAVAILABLE' })
  const forged = await app.inject({ url: '/', headers: { authorization: 'Bearer abc' } })
  t.equal(forged.statusCode, 401, 'a token that is wrong in itself is still a 401')
})

t.test('claims of two providers are kept apart', async (t) => {
  const other = jwtRemote(optionsFor({ jwks: setOf(makeKey('x')) }))
  const request = new Request('https://api.example/', {
    headers: { authorization: `Bearer ${await sign(key)}` },
  })
  await remote.verifyRequest(request)
  t.equal(remote.claims(request).sub, '7')
  t.throws(() => other.claims(request), { code: 'JWT_KIT_NOT_GUARDED' })
})
