import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { chapter } from '../../check/chapter.ts'
import { freePort, startProgram, TYPESCRIPT } from '../../check/program.ts'
import { hasNginx, type Nginx, NO_NGINX, startNginx } from './nginx.ts'

// The client needs another address than nginx: this machine's address in its network, if it has one.
const CLIENT =
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.2'
const FORGED = '6.6.6.6'

await chapter(import.meta.url, async ({ file, check, atEnd }) => {
  const ports = [await freePort(), await freePort()] as const
  const port = await freePort()
  let nginx: Nginx
  let ask: (headers?: Record<string, string>) => Promise<HttpResponse>

  const startServer = async (port: number) => {
    const program = await startProgram([...TYPESCRIPT, file('server.ts')], { env: { PORT: `${port}` } })
    atEnd(program.end)
    await program.waitForResponse(`http://127.0.0.1:${port}/`)
    return program
  }
  /** Sends two requests, one to each process, because nginx lets them take turns. */
  const askBoth = async (headers?: Record<string, string>) => [await ask(headers), await ask(headers)]

  await check(
    'no-nginx',
    'nginx is installed on this machine',
    [
      'This chapter runs a real nginx. Run `nginx -v`: is it installed?',
      'Debian and Ubuntu: `sudo apt-get install nginx-light`. On a Mac: `brew install nginx`.',
      'You do not need to start it. The check starts its own nginx, on a free port, as your user.',
    ],
    async () => assert.ok(await hasNginx(), NO_NGINX),
  )

  const servers: Awaited<ReturnType<typeof startServer>>[] = []
  await check(
    'one-process',
    'two processes take turns behind nginx',
    [
      'How many processes does nginx.conf list?',
      'List both in an `upstream`, and pass requests to that.',
      '`upstream api { server 127.0.0.1:3001; server 127.0.0.1:3002; }`, and `proxy_pass http://api;`.',
    ],
    async () => {
      servers.push(...(await Promise.all(ports.map(startServer))))
      nginx = await startNginx(file('nginx.conf'), { address: CLIENT, port }, ports)
      atEnd(() => nginx.end())
      ask = (headers) => get(port, headers)
      const responses = [...(await askBoth()), ...(await askBoth())]
      for (const { status } of responses)
        assert.equal(status, 200, 'A request through nginx got an unexpected status.')
      assert.equal(
        new Set(responses.map(({ body }) => body.process)).size,
        2,
        'An unexpected number of processes served four requests.',
      )
    },
  )

  await check(
    'nginx-is-the-client',
    'the service sees the client’s address',
    [
      'Only nginx connects to the service. Does nginx send the client’s address, and does the service trust it?',
      'Let nginx send `X-Forwarded-For`. Fastify reads it if `trustProxy` contains the address of nginx. With a number, Fastify trusts nobody.',
      "`proxy_set_header X-Forwarded-For $remote_addr;` and `trustProxy: '127.0.0.1'`",
    ],
    async () => {
      for (const { body } of await askBoth())
        assert.equal(body.client, CLIENT, 'The service sees an unexpected client address.')
    },
  )

  await check(
    'trusts-everybody',
    'a forged `X-Forwarded-For` has no effect',
    [
      'What does nginx do with an `X-Forwarded-For` that the client sent? Which of the addresses in it does Fastify use?',
      'Let nginx set the header instead of appending to it, and trust only the address of nginx.',
      "`$remote_addr` instead of `$proxy_add_x_forwarded_for`, and `trustProxy: '127.0.0.1'` instead of `true`.",
    ],
    async () => {
      for (const forged of [FORGED, `${FORGED}, 127.0.0.1`, `${FORGED}, ${FORGED}, 127.0.0.1`]) {
        const headers = { 'x-forwarded-for': forged, 'x-real-ip': FORGED, forwarded: `for=${FORGED}` }
        for (const { body } of await askBoth(headers))
          assert.equal(
            body.client,
            CLIENT,
            `A client sent “X-Forwarded-For: ${forged}”, and the service used it.`,
          )
      }
    },
  )

  await check(
    'own-ids',
    'nginx and the service log the same request id, and no client can choose it',
    [
      'A request failed. How do you find its lines in both logs?',
      'nginx makes an id for each request, `$request_id`. Pass it on in a header, and let Fastify use that.',
      "`proxy_set_header X-Request-Id $request_id;` and `requestIdHeader: 'x-request-id'`",
    ],
    async () => {
      for (const headers of [{}, { 'x-request-id': 'forged' }]) {
        const { body } = await ask(headers)
        const isKnown = await until(async () => (await nginx.ids()).includes(body.id))
        assert.ok(isKnown, `The service uses the request id ${body.id}, which is not in the log of nginx.`)
        const isLogged = await until(() => servers.some((server) => server.output().includes(`"${body.id}"`)))
        assert.ok(isLogged, 'The request id is not in the log of the service.')
      }
    },
  )

  await check(
    'open-to-all',
    'clients can reach the processes only through nginx',
    [
      'At which address do the processes listen? Can a client connect there and pretend to be nginx?',
      'A process behind a proxy on the same machine should listen only on 127.0.0.1.',
      "`await app.listen({ host: '127.0.0.1', port })`",
    ],
    async () => {
      for (const one of ports)
        assert.ok(
          !(await accepts(one)),
          `A process accepts connections at ${CLIENT}, so clients can bypass nginx.`,
        )
    },
  )

  await check(
    'one-goes',
    'if one process ends, the other one serves all requests',
    [
      'What does nginx do with a request if it cannot connect to a process?',
      'It tries the next one in the `upstream`, unless `proxy_next_upstream` forbids it.',
      'Delete `proxy_next_upstream off;`, and make sure that both processes are in the `upstream`.',
    ],
    async () => {
      await servers[0]?.end()
      for (let i = 0; i < 6; i += 1)
        assert.equal((await ask()).status, 200, 'After one process ended, a client got an unexpected status.')
    },
  )
})

interface HttpResponse {
  readonly status: number
  readonly body: { client?: string; id: string; process?: number }
}

async function get(port: number, headers: Record<string, string> = {}): Promise<HttpResponse> {
  const asked = request({ host: CLIENT, localAddress: CLIENT, port, headers, agent: false })
  asked.end()
  const [response] = await once(asked, 'response')
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, body: text.startsWith('{') ? JSON.parse(text) : {} }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ host: CLIENT, localAddress: CLIENT, port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Tries for a second, because logs may be written after the response was sent. */
async function until(attempt: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + 1_000
  while (!(await attempt())) {
    if (performance.now() > deadline) return false
    await sleep(20)
  }
  return true
}
