import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { chapter, type Hints } from '../../check/chapter.ts'
import { freePort, startProgram, TYPESCRIPT } from '../../check/program.ts'
import { hasNginx, type Nginx, NO_NGINX, startNginx } from './nginx.ts'

// The client needs another address than nginx: this machine's address in its network, if it has one.
const CLIENT =
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.2'
const FORGED = '6.6.6.6'

const HINTS = {
  noServer: [
    'The message shows what your server printed. Does it start if you run `npx tsx exercise/server.ts`?',
    'The check starts server.ts twice, each time with a different PORT, and requests `/` at 127.0.0.1.',
    "`await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })`",
  ],
  rejected: [
    'The message is nginx’s error about your file. Which directive does it name?',
    'Each directive ends with `;`, and each block has an opening and a closing brace. An `upstream` block goes next to `server`, not inside it. Keep `listen 8080;`.',
    'Compare your file with the one at the top of the page, line by line.',
  ],
  badGateway: [
    'A 502 comes from nginx itself, because it can’t connect to any process. Which ports does it try?',
    'The processes listen on 127.0.0.1, on ports 3001 and 3002. `proxy_pass` must use the name of the `upstream`.',
    '`upstream api { server 127.0.0.1:3001; server 127.0.0.1:3002; }`, and `proxy_pass http://api;`.',
  ],
  notInTurns: [
    'Which of your directives decides which process gets a request?',
    '`backup` and `down` take a process out of the rotation. `ip_hash` always sends a client to the same process.',
    'Leave only `server 127.0.0.1:3001;` and `server 127.0.0.1:3002;` in the `upstream`. By default, they take turns.',
  ],
  notForwarded: [
    'Which headers does nginx add to a request? Which one does Fastify read for `request.ip`?',
    'Fastify reads `X-Forwarded-For`, not `X-Real-IP`. Have nginx set that header.',
    '`proxy_set_header X-Forwarded-For $remote_addr;`, in the same block as `proxy_pass`.',
  ],
  numberOfProxies: [
    'What value does `trustProxy` have in your server.ts? The section “Why it works” explains that value.',
    'A number can’t tell Fastify which connections come from nginx. Specify nginx’s address instead.',
    "`trustProxy: '127.0.0.1'`",
  ],
  noLog: [
    'What does the service print for a request? Is its logger enabled?',
    'If `logger` is set, Fastify logs each request with its ID.',
    '`Fastify({ logger: true, … })`',
  ],
  chosenId: [
    'A client can send an `X-Request-Id` header, too. What does nginx do with it?',
    'Always set the header to nginx’s own ID. That discards the value that the client sent.',
    '`proxy_set_header X-Request-Id $request_id;`, without a `map` or `$http_x_request_id`.',
  ],
} as const satisfies Record<string, Hints>

await chapter(import.meta.url, async ({ file, check, expectation, atEnd }) => {
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
  /** Asks until both processes have replied. A fair nginx needs two requests, one that chooses at random a few more. */
  const askBoth = async (headers?: Record<string, string>) => {
    const responses: HttpResponse[] = []
    const processes = new Set<number | undefined>()
    while (processes.size < 2 && responses.length < 20) {
      const response = await ask(headers)
      responses.push(response)
      processes.add(response.body.process)
    }
    return responses
  }

  await check(
    'no-nginx',
    'nginx is installed on this machine',
    [
      'This chapter runs a real nginx. Run `nginx -v` to see if it’s installed.',
      'Debian and Ubuntu: `sudo apt-get install nginx-light`. On a Mac: `brew install nginx`. On Windows: do this chapter in WSL.',
      'You don’t need to start it. The check starts its own nginx, on a free port, as your user.',
    ],
    async () => assert.ok(await hasNginx(), NO_NGINX),
  )

  const servers: Awaited<ReturnType<typeof startServer>>[] = []
  await check(
    'one-process',
    'two processes take turns behind nginx',
    [
      'How many processes does nginx.conf list?',
      'List both processes in an `upstream`, and pass requests to it.',
      '`upstream api { server 127.0.0.1:3001; server 127.0.0.1:3002; }`, and `proxy_pass http://api;`.',
    ],
    async () => {
      const site = await readFile(file('nginx.conf'), 'utf8')
      await expectation('no-server', HINTS.noServer, async () => {
        servers.push(...(await Promise.all(ports.map(startServer))))
      })
      await expectation('rejected', HINTS.rejected, async () => {
        nginx = await startNginx(file('nginx.conf'), { address: CLIENT, port }, ports)
      })
      atEnd(() => nginx.end())
      ask = (headers) => get(port, headers)
      const responses = await askBoth()
      await expectation('bad-gateway', HINTS.badGateway, () => {
        for (const { status } of responses)
          assert.equal(status, 200, 'A request through nginx returned an unexpected status.')
      })
      const processes = new Set(responses.map(({ body }) => body.process)).size
      const listed = new Set(site.replaceAll(/#.*/g, '').match(/:300[12]\b/g)).size
      await expectation('not-in-turns', HINTS.notInTurns, () =>
        assert.ok(
          processes === 2 || listed < 2,
          `nginx.conf lists two processes, but one of them served all ${responses.length} requests.`,
        ),
      )
      assert.ok(processes === 2, `One process served all ${responses.length} requests.`)
    },
  )

  await check(
    'nginx-is-the-client',
    'the service sees the client’s address',
    [
      'Only nginx connects to the service. Does nginx send the client’s address, and does the service trust it?',
      'Have nginx send `X-Forwarded-For`. Fastify reads it if `trustProxy` contains nginx’s address. If `trustProxy` is a number, Fastify trusts no proxy.',
      "`proxy_set_header X-Forwarded-For $remote_addr;` and `trustProxy: '127.0.0.1'`",
    ],
    async () => {
      const [nginxConf, server] = await Promise.all(
        ['nginx.conf', 'server.ts'].map((name) => readFile(file(name), 'utf8')),
      )
      const responses = await askBoth()
      const isSeen = responses.every(({ body }) => body.client === CLIENT)
      await expectation('not-forwarded', HINTS.notForwarded, () =>
        assert.ok(
          isSeen || /X-Forwarded-For/i.test(nginxConf?.replaceAll(/#.*/g, '') ?? ''),
          'nginx does not send X-Forwarded-For, the header that Fastify reads.',
        ),
      )
      await expectation('number-of-proxies', HINTS.numberOfProxies, () =>
        assert.ok(
          isSeen || !/trustProxy:\s*\d+\b/.test(server ?? ''),
          '`trustProxy` is a number, so Fastify trusts no proxy.',
        ),
      )
      for (const { body } of responses)
        assert.equal(body.client, CLIENT, 'The service sees an unexpected client address.')
    },
  )

  await check(
    'trusts-everybody',
    'a forged `X-Forwarded-For` has no effect',
    [
      'What does nginx do with an `X-Forwarded-For` header that the client sent? Which of the addresses in it does Fastify use?',
      'Have nginx set the header instead of appending to it, and trust only nginx’s address.',
      "Use `$remote_addr` instead of `$proxy_add_x_forwarded_for`, and `trustProxy: '127.0.0.1'` instead of `true`.",
    ],
    async () => {
      for (const forged of [FORGED, `${FORGED}, 127.0.0.1`, `${FORGED}, ${FORGED}, 127.0.0.1`]) {
        const headers = { 'x-forwarded-for': forged, 'x-real-ip': FORGED, forwarded: `for=${FORGED}` }
        for (const { body } of await askBoth(headers))
          assert.equal(
            body.client,
            CLIENT,
            `A client sent “X-Forwarded-For: ${forged}”, and the service used that address.`,
          )
      }
    },
  )

  await check(
    'own-ids',
    'nginx and the service log the same request ID, and no client can choose it',
    [
      'A request failed. How do you find its lines in both logs?',
      'nginx creates an ID for each request, `$request_id`. Pass it on in a header, and have Fastify use it.',
      "`proxy_set_header X-Request-Id $request_id;` and `requestIdHeader: 'x-request-id'`",
    ],
    async () => {
      const isInLog = (id: string) => until(async () => (await nginx.ids()).includes(id))
      const { body } = await ask()
      assert.ok(
        await isInLog(body.id),
        `The service uses the request ID ${body.id}, which is not in nginx’s log.`,
      )
      await expectation('no-log', HINTS.noLog, async () =>
        assert.ok(
          await until(() => servers.some((server) => server.output().includes(body.id))),
          'The request ID is not in the service’s log.',
        ),
      )
      await expectation('chosen-id', HINTS.chosenId, async () => {
        const { body } = await ask({ 'x-request-id': 'forged' })
        assert.ok(
          await isInLog(body.id),
          `A client sent “X-Request-Id: forged”, and the service used the ID ${body.id}.`,
        )
      })
    },
  )

  await check(
    'open-to-all',
    'clients can reach the processes only through nginx',
    [
      'Which address do the processes listen on? Can a client connect there and pretend to be nginx?',
      'A process behind a proxy on the same machine should listen only on 127.0.0.1.',
      "`await app.listen({ host: '127.0.0.1', port })`",
    ],
    async () => {
      for (const one of ports)
        assert.ok(
          !(await accepts(one)),
          `A process accepts connections on ${CLIENT}, so clients can bypass nginx.`,
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
        assert.equal(
          (await ask()).status,
          200,
          'After one process ended, a request returned an unexpected status.',
        )
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
