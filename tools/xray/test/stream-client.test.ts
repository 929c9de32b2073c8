import { AsyncLocalStorage } from 'node:async_hooks'
import { Channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { createLogger } from '../../../examples/social-api/platform/logging.ts'
import { channels } from '../server/channels.ts'
import { SamplingLimiter } from '../server/sampling-limiter.ts'
import { StreamClient } from '../server/stream-client.ts'
import type { Trace } from '../server/trace.ts'
import { createPageHeaders, serveXray } from './setup.ts'
import { watch } from './watch.ts'

t.test('the stream serves its clients', async (t) => {
  const loggerInstance = createLogger({ level: 'silent' })
  const service = await serveXray(t, { loggerInstance })
  const { app, url, call } = service
  const ada = await service.signUp('ada@example.com')

  /** Sends one request of every kind that publishes events. */
  const everyKind = async () => {
    await call('POST', '/login', { form: { username: 'ada@example.com', password: 'a good password' } })
    await call('GET', '/users/me', { token: ada.token })
    await call('GET', '/users/me', { token: 'wrong' })
    await call('POST', '/posts', { token: ada.token, json: { title: 'a title', content: 'a text' } })
    await call('POST', '/posts', { token: ada.token, json: { title: '' } })
    await call('POST', '/vote', { token: ada.token, json: { post_id: 999, dir: 1 } })
    await call('GET', '/posts', { token: ada.token })
    await call('GET', '/nothing')
    await app.inject('/posts/%zz')
  }

  await t.test('without a client, no event is built and no async context is kept', async (t) => {
    // Records events that are published although nothing subscribes.
    const published: string[] = []
    const { publish } = Channel.prototype
    Channel.prototype.publish = function (this: Channel, message) {
      if (String(this.name).startsWith('auth-primer:')) published.push(String(this.name))
      publish.call(this, message)
    }
    let contexts = 0
    const { run } = AsyncLocalStorage.prototype
    AsyncLocalStorage.prototype.run = function (
      this: AsyncLocalStorage<unknown>,
      ...args: Parameters<typeof run>
    ) {
      contexts += 1
      return run.apply(this, args)
    } as typeof run
    t.teardown(() => {
      Channel.prototype.publish = publish
      AsyncLocalStorage.prototype.run = run
    })
    channels.receive.publish({})
    t.same(published.splice(0), ['auth-primer:xray:receive'], 'the recording works')

    await everyKind()
    t.same([published, contexts], [[], 0], 'before a client connects')

    const watching = await watch(t, url)
    await everyKind()
    await watching.settled()
    t.ok(watching.traces.size >= 10 && contexts > 0, 'with a client, events are published')
    published.splice(0)
    contexts = 0

    const listeners = app.knex.client.listenerCount('query')
    await watching.close()
    while (app.knex.client.listenerCount('query') === listeners) await new Promise(setImmediate)
    await everyKind()
    t.same([published, contexts], [[], 0], 'after the client has disconnected')
  })

  await t.test(
    'a new client gets the last 200 requests of the API and of pages, and none from before the first client',
    async (t) => {
      await call('GET', '/health', { headers: { 'x-request-id': 'unwatched' } })
      const first = await watch(t, url)
      for (let n = 1; n <= 230; n += 1)
        await app.inject({ url: '/users/me', headers: { 'x-request-id': `n-${n}` } })
      for (let n = 1; n <= 210; n += 1)
        await app.inject({ url: '/header.css', headers: { 'x-request-id': `page-${n}` } })
      await first.until('page-210')
      const second = await watch(t, url)
      await second.until('page-210')
      const ids = [...second.traces.values()].map(({ requestId }) => requestId)
      const list = (name: string, from: number) =>
        Array.from({ length: 200 }, (_, index) => `${name}-${index + from}`)
      t.same(ids, [...list('n', 31), ...list('page', 11)], 'many pages displace no request of the API')
      t.notOk(second.text().includes('unwatched'))

      await t.test('a client that reconnects gets only the requests that it missed', async (t) => {
        const { lastId } = second
        await second.close()
        await call('GET', '/health', { headers: { 'x-request-id': 'missed' } })
        const again = await watch(t, url, { 'last-event-id': lastId })
        await again.until('missed')
        t.equal(again.traces.size, 1)
        const afterRestart = await watch(t, url, { 'last-event-id': 'another-run 5' })
        await afterRestart.until('missed')
        t.equal(afterRestart.traces.size, 400, 'or all of them after a restart of the service')
      })
      await first.close()
    },
  )

  await t.test('at most one message is kept for a client that does not read', async (t) => {
    const accepted = once(app.server, 'connection') as Promise<[Socket]>
    const stalled = connect({ host: '127.0.0.1', port: Number(new URL(url).port) })
    t.teardown(() => stalled.destroy())
    const [socket] = await accepted
    stalled.write(
      `GET /xray/stream HTTP/1.1\r\nHost: localhost\r\nCookie: ${createPageHeaders(url).cookie}\r\n\r\n`,
    )
    await once(stalled, 'data')
    // Simulates full buffers of the kernel, which hold megabytes.
    socket.cork()
    const watching = await watch(t, url)
    const lengths: number[] = []
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 100 }, () => app.inject('/users/me')))
      await watching.settled()
      lengths.push(socket.writableLength)
    }
    const [most = 0] = lengths.toSorted((a, b) => b - a)
    t.ok(most > 16_384 && most < 200_000, `it has ${most} bytes`)
    t.same(new Set(lengths.slice(1)), new Set([most]), 'it does not grow')
    await watching.close()
  })

  await t.test('requests that are not traced are counted', async (t) => {
    const watching = await watch(t, url)
    const before = watching.lastId
    for (let round = 0; round < 8; round += 1)
      await Promise.all(Array.from({ length: 200 }, () => app.inject('/health')))
    while (watching.missed === 0) await new Promise(setImmediate)
    t.not(watching.lastId, before)
    t.ok(watching.traces.size >= 200)
    await watching.close()
  })

  await t.test('a ninth client is rejected', async (t) => {
    const watching = await Promise.all(Array.from({ length: 7 }, () => watch(t, url)))
    await t.rejects(Promise.all([watch(t, url), watch(t, url)]), /503/)
    await Promise.all(watching.map((one) => one.close()))
  })

  await t.test('an open stream does not prevent the service from closing', async (t) => {
    const watching = await watch(t, url)
    await app.close()
    await watching.ended
    t.pass('the stream has ended')
  })
})

t.test('a stalled client gets the newest traces when it reads again, and how many it missed', async (t) => {
  const stream = new PassThrough({ highWaterMark: 10 })
  const client = new StreamClient(stream as unknown as ServerResponse, () => 'run 1')
  t.teardown(() => client.end())
  t.ok(stream.writableNeedDrain, 'the first message fills the buffer')
  for (let id = 1; id <= 1_000; id += 1) client.changed({ id } as Trace)
  for (let id = 990; id <= 1_000; id += 1) client.changed({ id, ms: 1 } as unknown as Trace)
  const length = stream.writableLength + stream.readableLength
  t.ok(length < 100, `nothing waits in the stream: ${length}`)

  let text = ''
  stream.on('data', (chunk) => {
    text += chunk
  })
  await once(stream, 'drain')
  while (!text.includes('data:')) await once(stream, 'data')
  const { requests, missed } = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '')
  t.equal(missed, 600)
  t.equal(requests.length, 400)
  t.same(requests.at(-1), { id: 1_000, ms: 1 }, 'each trace once, in its newest state')
})

t.test('a thousand simultaneous requests are traced, and 100 a second over a longer time', async (t) => {
  const limiter = new SamplingLimiter()
  const taken = (now: number) => Array.from({ length: 2_000 }, () => limiter.take(now)).filter(Boolean).length
  t.equal(taken(10_000), 1_000)
  t.equal(taken(11_000), 100)
  t.equal(taken(11_000), 0)
  t.equal(taken(11_500), 0, 'tracing pauses')
  t.equal(taken(60_000), 1_000, 'after a pause, as many simultaneous requests are traced again')
})
