import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ANN, logIn, quantile, readToken, signUp, startService } from '../system/helper.ts'

type Service = Awaited<ReturnType<typeof startService>>

t.test('slow clients do not delay other clients', async (t) => {
  const service = await startService(t, { BCRYPT_COST: '10', LOG_LEVEL: 'info' })
  await signUp(service.url)
  const token = await readToken(await logIn(service.url))
  const others = (t: Test, while_: () => boolean | Promise<boolean>) =>
    expectResponses(t, service, token, while_)

  await t.test('10,000 idle connections do not delay others', async (t) => {
    // The limit holds for this process and for the service: each has one end of every connection.
    const files = Number(
      execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).replace('unlimited\n', '1e6'),
    )
    const count = Math.min(10_000, files - 1_000)
    if (count < 10_000) t.comment(`only ${count} connections: \`ulimit -Hn\` is ${files}`)
    const idle: Socket[] = []
    // A few hundred at a time, because the backlog is 511. Each sends one request and stays open.
    while (idle.length < count) {
      const some = await Promise.all(Array.from({ length: 250 }, () => open(service)))
      for (const socket of some) socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n')
      await Promise.all(some.map((socket) => once(socket, 'data')))
      idle.push(...some)
    }
    const connections = await service.metric('http_connections')
    t.ok(connections >= count, `${connections} connections`)
    await others(t, times(60))
    t.ok(idle.every(({ closed }) => !closed))
    for (const socket of idle) socket.destroy()
  })

  await t.test('500 connections that send nothing are closed', async (t) => {
    while ((await service.metric('http_connections')) > 50) await sleep(50)
    const silent = await Promise.all(Array.from({ length: 500 }, () => open(service)))
    t.ok((await service.metric('http_connections')) >= 500)
    // The clients keep their half open, so only the service can close them.
    await others(t, async () => (await service.metric('http_connections')) > 50)
    for (const socket of silent) socket.destroy()
  })

  await t.test('200 requests that send their headers byte by byte get a 408', async (t) => {
    const slow = await Promise.all(
      Array.from({ length: 200 }, () => drip(service, 'GET /health HTTP/1.1\r\nHost: x\r\n', 'X')),
    )
    await others(t, () => slow.some(({ socket }) => !socket.closed))
    for (const { response } of slow) t.match(response(), /^HTTP\/1\.1 408 .*"code":"REQUEST_TIMEOUT"/s)
  })

  await t.test('a body that arrives slowly gets a 408, and one that is too large a 413', async (t) => {
    const head = (path: string, length: string) =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${length}\r\n\r\n`
    const known = await drip(service, head('/login', 'Content-Length: 100000000'), ' ')
    const chunked = await drip(service, head('/login', 'Transfer-Encoding: chunked'), '1\r\n \r\n')
    const unauthenticated = await drip(service, head('/posts', 'Transfer-Encoding: chunked'), '1\r\n \r\n')
    const quick = await drip(
      service,
      head('/login', 'Transfer-Encoding: chunked'),
      `1000\r\n${' '.repeat(4_096)}\r\n`,
    )
    const all = [known, chunked, unauthenticated, quick]
    await others(t, () => all.some(({ socket }) => !socket.closed))
    t.match(
      known.response(),
      /^HTTP\/1\.1 413 .*"code":"PAYLOAD_TOO_LARGE"/s,
      'with a length that is too large',
    )
    t.match(chunked.response(), /^HTTP\/1\.1 408 .*"code":"REQUEST_TIMEOUT"/s, 'one byte at a time')
    t.match(unauthenticated.response(), /^HTTP\/1\.1 401 .*"code":"NOT_AUTHENTICATED"/s, 'without a token')
    t.match(quick.response(), /^HTTP\/1\.1 413 .*"code":"PAYLOAD_TOO_LARGE"/s, 'over the limit')
  })

  await t.test('a body of 100 MB that arrives fast is not kept in memory', async (t) => {
    const before = await service.metric('process_resident_memory_bytes')
    for (const path of ['/login', '/posts', '/nothing']) {
      const socket = await open(service, '127.0.0.68')
      let response = ''
      socket.setEncoding('latin1').on('data', (text) => {
        response += text
      })
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
      )
      const megabyte = `100000\r\n${' '.repeat(2 ** 20)}\r\n`
      for (let i = 0; i < 100 && !socket.destroyed; i += 1) {
        await new Promise((sent) => socket.write(megabyte, sent))
      }
      socket.destroy()
      // A client that is still sending when the connection closes may not get the response.
      t.match(response, /^HTTP\/1\.1 4\d\d |^$/, path)
    }
    const grown = (await service.metric('process_resident_memory_bytes')) - before
    t.ok(grown < 100e6, `${(grown / 1e6).toFixed()} MB more`)
    await others(t, times(20))
  })

  await t.test('50 clients that do not read their responses do not delay others', async (t) => {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => open(service, '127.0.0.69')))
    for (const socket of sockets) {
      socket.pause()
      socket.write('GET /docs/static/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5))
    }
    await others(t, times(50))
    for (const socket of sockets) socket.destroy()
  })

  const failures = service
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{') && JSON.parse(line).level >= 50)
  t.same(failures.slice(0, 3), [], 'the service logs no failure')
})

/** Sends various requests while `while_` returns true, and expects a 200 for each. */
async function expectResponses(
  t: Test,
  { url }: Service,
  token: string,
  while_: () => boolean | Promise<boolean>,
): Promise<void> {
  const times: number[] = []
  const wrong: number[] = []
  do {
    for (const ask of [
      () => fetch(`${url}/health`),
      () => fetch(`${url}/posts`, { headers: { authorization: `Bearer ${token}` } }),
      () => fetch(`${url}/login`, { method: 'POST', body: new URLSearchParams(ANN) }),
    ]) {
      const start = performance.now()
      const { status } = await ask()
      times.push(performance.now() - start)
      if (status !== 200) wrong.push(status)
    }
    await sleep(200)
  } while (await while_())
  t.same(wrong, [], `${times.length} other requests get a 200`)
  t.comment(
    `${times.length} other requests: median ${quantile(times, 0.5).toFixed(1)} ms, the slowest ${quantile(times, 1).toFixed()} ms`,
  )
}

function times(count: number): () => boolean {
  let left = count / 3
  return () => {
    left -= 1
    return left > 0
  }
}

/** Opens a connection from another address, so that the limits by address do not affect the other requests. */
async function open({ url }: Service, localAddress = '127.0.0.66'): Promise<Socket> {
  const { port } = new URL(url)
  const socket = connect({
    host: '127.0.0.1',
    port: Number(port),
    localAddress,
    allowHalfOpen: true,
  })
  socket.on('error', () => {})
  socket.resume()
  await once(socket, 'connect')
  return socket
}

/** Sends a request's head, and then `more` again and again until the connection closes. */
async function drip(service: Service, head: string, more: string) {
  const socket = await open(service, '127.0.0.67')
  let response = ''
  socket.setEncoding('latin1').on('data', (text) => {
    response += text
  })
  socket.write(head)
  const timer = setInterval(() => socket.writable && socket.write(more), 250)
  socket.once('close', () => clearInterval(timer))
  return { socket, response: () => response }
}
