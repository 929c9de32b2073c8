import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { jwtRemote } from '../src/index.ts'
import { clock, errorOf, makeKey, optionsFor, setOf, sign, startProvider } from './support.ts'

const [first, second] = [makeKey('first'), makeKey('second')]
const LONG = { exp: clock.now() / 1000 + 30 * 86_400 }
const fetches = channel('auth-primer:jwt-remote:fetch')

t.test('keys are fetched when the first token arrives, and then used for `cacheMaxAge`', async (t) => {
  const provider = await startProvider(t, setOf(first))
  const remote = jwtRemote(optionsFor(provider))
  t.equal(provider.requests, 0)
  const token = await sign(first, LONG)
  for (let n = 0; n < 20; n++) await remote.verify(token)
  t.equal(provider.requests, 1)
  clock.advance('10m')
  await remote.verify(token)
  t.equal(provider.requests, 2)
})

t.test('requests that come at the same time share one fetch', async (t) => {
  const waiting: ServerResponse[] = []
  const provider = await startProvider(t, (_request, response) => waiting.push(response))
  const remote = jwtRemote(optionsFor(provider))
  const token = await sign(first, LONG)
  const verified = Promise.all(Array.from({ length: 50 }, () => remote.verify(token)))
  while (waiting.length === 0) await setImmediate()
  waiting[0]?.end(JSON.stringify(setOf(first)))
  t.equal((await verified).length, 50)
  t.equal(provider.requests, 1)
})

t.test('they share its failure, too', async (t) => {
  const waiting: ServerResponse[] = []
  const provider = await startProvider(t, (_request, response) => waiting.push(response))
  const remote = jwtRemote(optionsFor(provider))
  const token = await sign(first, LONG)
  const errors = Promise.all(Array.from({ length: 50 }, () => errorOf(() => remote.verify(token))))
  while (waiting.length === 0) await setImmediate()
  waiting[0]?.writeHead(500).end()
  t.same(new Set((await errors).map(({ code }) => code)), new Set(['JWT_REMOTE_UNAVAILABLE']))
  t.equal(provider.requests, 1)
})

t.test('a key that is new at the provider is fetched once the cool-down is over', async (t) => {
  const provider = await startProvider(t, setOf(first))
  const remote = jwtRemote(optionsFor(provider))
  await remote.verify(await sign(first, LONG))
  provider.serve(setOf(first, second))
  const token = await sign(second, LONG)
  await t.rejects(remote.verify(token), { code: 'JWT_KIT_UNKNOWN_KEY' })
  t.equal(provider.requests, 1, 'not within it')
  clock.advance('30s')
  t.ok(await remote.verify(token))
  t.ok(await remote.verify(await sign(first, LONG)), 'the old key is still in the set')
  t.equal(provider.requests, 2)
})

t.test('a key that the provider withdraws is rejected as soon as the set is fetched again', async (t) => {
  const provider = await startProvider(t, setOf(first, second))
  const remote = jwtRemote(optionsFor(provider))
  const token = await sign(first, LONG)
  await remote.verify(token)
  t.ok(await remote.verify(await sign(second, LONG)))
  provider.serve(setOf(second))
  t.ok(await remote.verify(token))
  clock.advance('10m')
  await t.rejects(remote.verify(token), { code: 'JWT_KIT_UNKNOWN_KEY' })
  t.ok(await remote.verify(await sign(second, LONG)))
})

t.test('a set of other keys is a 503, until it has verified a token', async (t) => {
  const other = makeKey('other')
  const provider = await startProvider(t, setOf(other))
  const remote = jwtRemote(optionsFor(provider))
  const token = await sign(first, LONG)
  const error = await errorOf(() => remote.verify(token))
  t.match(error, { code: 'JWT_REMOTE_INVALID_JWKS', statusCode: 503, headers: { 'retry-after': '30' } })
  t.ok(await remote.verify(await sign(other, LONG)), 'a token of the set proves it')
  await t.rejects(remote.verify(token), { code: 'JWT_KIT_UNKNOWN_KEY' })
  await t.rejects(remote.verify(await sign(makeKey('other'), LONG)), { code: 'JWT_KIT_SIGNATURE' })
})

t.test('a set that is replaced by other keys has to be proven again', async (t) => {
  const provider = await startProvider(t, setOf(first))
  const remote = jwtRemote(optionsFor(provider))
  const token = await sign(first, LONG)
  t.ok(await remote.verify(token))
  provider.serve(setOf(makeKey('x'), second))
  clock.advance('10m')
  await t.rejects(remote.verify(token), { code: 'JWT_REMOTE_INVALID_JWKS' })
  provider.serve(setOf(first, second))
  clock.advance('30s')
  t.ok(await remote.verify(token), 'and the right set is accepted again')
})

t.test('a flood of unknown keys makes one request per cool-down, and known keys go on', async (t) => {
  const provider = await startProvider(t, setOf(first))
  const remote = jwtRemote(optionsFor(provider))
  const good = await sign(first, LONG)
  await remote.verify(good)
  for (let round = 1; round <= 3; round++) {
    clock.advance('30s')
    const tokens = await Promise.all(
      Array.from({ length: 100 }, (_, n) => sign(first, LONG, { kid: `${round}-${n}` })),
    )
    const errors = await Promise.all(tokens.map((token) => errorOf(() => remote.verify(token))))
    t.same(new Set(errors.map(({ code }) => code)), new Set(['JWT_KIT_UNKNOWN_KEY']))
    t.ok(await remote.verify(good))
    t.equal(provider.requests, 1 + round)
  }
})

t.test('an outage makes few requests, and says when it asks again', async (t) => {
  const provider = await startProvider(t, (_request, response) => response.writeHead(500).end())
  const remote = jwtRemote(optionsFor(provider))
  const token = await sign(first, LONG)
  const pauses: (string | undefined)[] = []
  for (let second = 0; second < 120; second++) {
    const { requests } = provider
    const error = await errorOf(() => remote.verify(token))
    if (provider.requests > requests) pauses.push(error.headers['retry-after'])
    clock.advance('1s')
  }
  t.same(pauses, ['1', '2', '4', '8', '16', '30', '30', '30'])
  provider.serve(setOf(first))
  const { headers } = await errorOf(() => remote.verify(token))
  clock.advance(`${Number(headers['retry-after'])}s`)
  t.ok(await remote.verify(token), 'and recovers')
})

t.test('known keys are used through an outage until `cacheMaxAge`, and not longer', async (t) => {
  const provider = await startProvider(t, setOf(first))
  const remote = jwtRemote(optionsFor(provider))
  const token = await sign(first, LONG)
  await remote.verify(token)
  provider.serve((_request, response) => response.writeHead(500).end())
  await t.rejects(
    remote.verify(await sign(second, LONG)),
    { code: 'JWT_KIT_UNKNOWN_KEY' },
    'within the cool-down the set is new enough to reject by',
  )
  clock.advance('30s')
  await t.rejects(
    remote.verify(await sign(second, LONG)),
    { code: 'JWT_REMOTE_UNAVAILABLE' },
    'an unknown key may be a new one, so the client is not to blame',
  )
  clock.advance('9m')
  t.ok(await remote.verify(token))
  clock.advance('1m')
  await t.rejects(remote.verify(token), { code: 'JWT_REMOTE_UNAVAILABLE' })
})

t.test('from half of `cacheMaxAge` on, keys are fetched without making a request wait', async (t) => {
  const waiting: ServerResponse[] = []
  const provider = await startProvider(t, setOf(first))
  const remote = jwtRemote(optionsFor(provider))
  const token = await sign(first, LONG)
  await remote.verify(token)
  provider.serve((_request, response) => waiting.push(response))
  clock.advance('5m')
  t.ok(await remote.verify(token), 'though the provider has not responded')
  while (waiting.length === 0) await setImmediate()
  const fetched = new Promise<unknown>((resolve) => fetches.subscribe(resolve))
  waiting[0]?.end(JSON.stringify(setOf(first, second)))
  t.same(await fetched, { keys: 2 })
  t.ok(await remote.verify(await sign(second, LONG)))
  t.equal(provider.requests, 2)
})

t.test('a clock that is set back makes the cache old, not young', async (t) => {
  const provider = await startProvider(t, setOf(first))
  let offset = 0
  const remote = jwtRemote({ ...optionsFor(provider), now: () => clock.now() - offset })
  const token = await sign(first, { ...LONG, iat: 1 })
  await remote.verify(token)
  offset = 3_600_000
  await remote.verify(token)
  t.equal(provider.requests, 2)
})

t.test('a provider that stops and starts again needs no restart of the service', async (t) => {
  const provider = await startProvider(t, setOf(first))
  const remote = jwtRemote(optionsFor(provider))
  await remote.verify(await sign(first, LONG))
  await provider.stop()
  clock.advance('10m')
  await t.rejects(remote.verify(await sign(first, LONG)), { code: 'JWT_REMOTE_UNAVAILABLE' })
  const { createServer } = await import('node:http')
  const server = createServer((_, response) => response.end(JSON.stringify(setOf(first))))
  server.listen(Number(new URL(provider.jwksUri).port), '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  clock.advance('1s')
  t.ok(await remote.verify(await sign(first, LONG)))
  server.closeAllConnections()
})
