import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { jwtRemote } from '../src/index.ts'
import { errorOf, makeKey, optionsFor, type Respond, setOf, sign, startProvider } from './support.ts'

const key = makeKey('2026-11')
const token = await sign(key)

t.test('a provider that fails, or sends anything but a usable key set, is a 503', async (t) => {
  const provider = await startProvider(t, setOf(key))
  const elsewhere = await startProvider(t, setOf(key))
  const good = JSON.stringify(setOf(key))
  const body =
    (text: string | Buffer, headers = {}): Respond =>
    (_, response) =>
      response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(text)
  const status =
    (code: number, headers = {}): Respond =>
    (_, response) =>
      response.writeHead(code, headers).end(good)
  const encryption = JSON.stringify(setOf(makeKey('2026-11', 'RS256', { use: 'enc' })))
  const otherAlgorithm = JSON.stringify(setOf(makeKey('2026-11', 'ES256')))
  const bomb = gzipSync(`${good}${' '.repeat(5_000_000)}`)
  const invalid: Record<string, [string, Respond]> = {
    HTML: ['not JSON', body('<!doctype html><title>Log in</title>')],
    nothing: ['not JSON', body('')],
    'half of it': ['not JSON', body(good.slice(0, -5))],
    'another document': ['no key', body('{"issuer":"https://login.example/"}')],
    'a list': ['no key', body(`[${good}]`)],
    null: ['no key', body('null')],
    'keys that are not a list': ['no key', body('{"keys":{"length":1}}')],
    'an empty set': ['no key', body('{"keys":[]}')],
    'encryption keys': ['no key', body(encryption)],
    'keys of another algorithm': ['no key', body(otherAlgorithm)],
    'a secret': ['no key', body('{"keys":[{"kty":"oct","kid":"2026-11","k":"AAAA"}]}')],
    'too much': ['bytes', body(`${good}${' '.repeat(300_000)}`)],
    'too much, compressed': ['bytes', body(bomb, { 'content-encoding': 'gzip' })],
  }
  const unavailable: Record<string, [string, Respond]> = {
    'a status of 500': ['status 500', status(500)],
    'a status of 404': ['status 404', status(404)],
    'a status of 203': ['status 203', status(203)],
    'a redirect elsewhere': ['status 302', status(302, { location: elsewhere.jwksUri })],
    'a redirect to itself': ['status 308', status(308, { location: '/jwks' })],
    'a connection that ends': ['cannot be reached', (request) => request.socket.destroy()],
    'a body that ends early': [
      'not received completely',
      (_, response) =>
        response.writeHead(200, { 'content-length': 5000 }).write(good, () => response.destroy()),
    ],
    'a body that is not gzip': ['not received completely', body(good, { 'content-encoding': 'gzip' })],
  }
  const cases = [
    ...Object.entries(invalid).map((entry) => ['JWT_REMOTE_INVALID_JWKS', entry] as const),
    ...Object.entries(unavailable).map((entry) => ['JWT_REMOTE_UNAVAILABLE', entry] as const),
  ]
  for (const [code, [name, [message, respond]]] of cases) {
    provider.serve(respond)
    const remote = jwtRemote(optionsFor(provider))
    const error = await errorOf(() => remote.verify(token))
    t.match(error, { name: 'JwtRemoteError', code, statusCode: 503, headers: { 'retry-after': '1' } }, name)
    t.ok(error.message.includes(message), `${name}: ${error.message}`)
    t.notOk('challenge' in error, 'the client is not to blame')
    t.match(error.hint, /jwksUri/)
    t.notOk(`${error.message}${error.hint}`.includes(provider.jwksUri))
    t.match(await remote.explain(token), { verdict: { accepted: undefined }, text: /VERDICT: not known/ })
  }
  t.equal(elsewhere.requests, 0, 'a redirect is not followed')
  provider.serve(setOf(key))
  t.ok(await jwtRemote(optionsFor(provider)).verify(token), 'and the right set is accepted')
})

t.test('a port on which nothing listens, and a host that does not exist, are a 503', async (t) => {
  const provider = await startProvider(t, setOf(key))
  await provider.stop()
  for (const jwksUri of [provider.jwksUri, 'https://no-such-host.invalid/jwks']) {
    const error = await errorOf(() => jwtRemote(optionsFor({ jwksUri })).verify(token))
    t.match(error, { code: 'JWT_REMOTE_UNAVAILABLE', statusCode: 503, cause: { cause: Error } })
  }
})

t.test('a server that does not speak HTTP is a 503', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-OpenSSH\r\n')).listen(
    0,
    '127.0.0.1',
  )
  t.teardown(() => server.close())
  await once(server, 'listening')
  const jwksUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  await t.rejects(jwtRemote(optionsFor({ jwksUri })).verify(token), { code: 'JWT_REMOTE_UNAVAILABLE' })
})

t.test('a response that does not come or does not end is a 503 after the timeout', async (t) => {
  const silent = await startProvider(t, () => {})
  const dripping = await startProvider(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const timer = setInterval(() => response.write(' '), 50)
    response.on('close', () => clearInterval(timer))
  })
  await Promise.all(
    [silent, dripping].map(async ({ jwksUri }) => {
      const remote = jwtRemote({ ...optionsFor({ jwksUri }), timeout: '1s' })
      await t.rejects(remote.verify(token), { code: 'JWT_REMOTE_UNAVAILABLE', message: /timed out/ })
    }),
  )
})

t.test('a compressed key set is read', async (t) => {
  const provider = await startProvider(t, (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(JSON.stringify(setOf(key)))),
  )
  t.ok(await jwtRemote(optionsFor(provider)).verify(token))
})

t.test('a token that is rejected anyway makes no request', async (t) => {
  const provider = await startProvider(t, setOf(key))
  const remote = jwtRemote(optionsFor(provider))
  for (const bad of [
    'garbage',
    await sign(key, { iss: 'https://evil.example/' }),
    await sign(key, { aud: 'other' }),
    await sign(key, { exp: 1 }),
    await sign(key, {}, { typ: 'JWT' }),
  ])
    t.equal((await errorOf(() => remote.verify(bad))).statusCode, 401)
  t.equal(provider.requests, 0)
  t.ok(await remote.verify(token))
  t.equal(provider.requests, 1)
})
