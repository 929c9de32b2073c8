import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { chapter } from '../../check/chapter.ts'
import { freePort, startProgram, TYPESCRIPT } from '../../check/program.ts'
import { hasNginx, type Nginx, NO_NGINX, startNginx } from './nginx.ts'

// A client of another address than nginx has itself: this machine's own in its network, if it is in one.
const CLIENT =
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.2'
const FORGED = '6.6.6.6'

await chapter(import.meta.url, async ({ file, claim, atEnd }) => {
  const ports = [await freePort(), await freePort()] as const
  const port = await freePort()
  let nginx: Nginx
  let ask: (headers?: Record<string, string>) => Promise<Answer>

  const startServer = async (port: number) => {
    const program = await startProgram([...TYPESCRIPT, file('server.ts')], { env: { PORT: `${port}` } })
    atEnd(program.end)
    await program.answers(`http://127.0.0.1:${port}/`)
    return program
  }
  /** From both processes, since nginx lets them take turns. */
  const askBoth = async (headers?: Record<string, string>) => [await ask(headers), await ask(headers)]

  await claim(
    'no-nginx',
    'nginx is on this machine',
    [
      'This chapter runs a real nginx, as you would. `nginx -v` says whether there is one.',
      'Debian and Ubuntu: `sudo apt-get install nginx-light`. On a Mac: `brew install nginx`.',
      'It need not run: the check starts one of its own, on a free port, as whoever you are.',
    ],
    async () => assert.ok(await hasNginx(), NO_NGINX),
  )

  const servers: Awaited<ReturnType<typeof startServer>>[] = []
  await claim(
    'one-process',
    'two processes take turns behind it',
    [
      'How many processes does nginx.conf know?',
      'Name both in an `upstream`, and pass requests on to that.',
      '`upstream api { server 127.0.0.1:3001; server 127.0.0.1:3002; }`, and `proxy_pass http://api;`.',
    ],
    async () => {
      servers.push(...(await Promise.all(ports.map(startServer))))
      nginx = await startNginx(file('nginx.conf'), { address: CLIENT, port }, ports)
      atEnd(() => nginx.end())
      ask = (headers) => get(port, headers)
      const answers = [...(await askBoth()), ...(await askBoth())]
      for (const { status } of answers) assert.equal(status, 200, 'nginx does not get an answer.')
      assert.equal(
        new Set(answers.map(({ body }) => body.process)).size,
        2,
        'So many processes have answered four requests.',
      )
    },
  )

  await claim(
    'nginx-is-the-client',
    'the client’s address comes through',
    [
      'To the service, whoever connects is nginx. Who tells it the client’s address, and does it believe that?',
      'nginx sends `X-Forwarded-For`. Fastify reads it if `trustProxy` says that nginx’s address is to be believed; of a number it believes nobody.',
      "`proxy_set_header X-Forwarded-For $remote_addr;` and `trustProxy: '127.0.0.1'`",
    ],
    async () => {
      for (const { body } of await askBoth())
        assert.equal(body.client, CLIENT, 'This is the client that the service sees.')
    },
  )

  await claim(
    'trusts-everybody',
    'a forged `X-Forwarded-For` does not',
    [
      'What does nginx do with an `X-Forwarded-For` that is there already, and which of its addresses does Fastify take?',
      'Let nginx set the header, not add to it; and believe the one address that nginx has, not everybody.',
      "`$remote_addr` in the place of `$proxy_add_x_forwarded_for`, `trustProxy: '127.0.0.1'` in that of `true`.",
    ],
    async () => {
      for (const forged of [FORGED, `${FORGED}, 127.0.0.1`, `${FORGED}, ${FORGED}, 127.0.0.1`]) {
        const headers = { 'x-forwarded-for': forged, 'x-real-ip': FORGED, forwarded: `for=${FORGED}` }
        for (const { body } of await askBoth(headers))
          assert.equal(body.client, CLIENT, `A client said “X-Forwarded-For: ${forged}”, and was believed.`)
      }
    },
  )

  await claim(
    'own-ids',
    'nginx and the service call a request by one id, which no client chooses',
    [
      'A request went wrong. How do you find its lines in both logs?',
      'nginx has an id for each request, `$request_id`. Pass it on, and let Fastify take it.',
      "`proxy_set_header X-Request-Id $request_id;` and `requestIdHeader: 'x-request-id'`",
    ],
    async () => {
      for (const headers of [{}, { 'x-request-id': 'forged' }]) {
        const { body } = await ask(headers)
        const isKnown = await until(async () => (await nginx.ids()).includes(body.id))
        assert.ok(isKnown, `The service calls a request ${body.id}. nginx has not called any so.`)
        const isLogged = await until(() =>
          servers.some((server) => server.printed().includes(`"${body.id}"`)),
        )
        assert.ok(isLogged, 'The id is not in the service’s log.')
      }
    },
  )

  await claim(
    'open-to-all',
    'there is no way to the processes but through nginx',
    [
      'Where do the processes listen? Who else can connect there, and say that they are nginx?',
      'A process behind a proxy on the same machine listens on 127.0.0.1 alone.',
      "`await app.listen({ host: '127.0.0.1', port })`",
    ],
    async () => {
      for (const one of ports)
        assert.ok(!(await accepts(one)), `A process takes connections at ${CLIENT}, past nginx.`)
    },
  )

  await claim(
    'one-goes',
    'one process goes, and the other one answers all',
    [
      'What does nginx do with a request that a process does not take?',
      'It tries the next one of the `upstream`, unless `proxy_next_upstream` says otherwise.',
      'Delete `proxy_next_upstream off;`, and see that both are in the `upstream`.',
    ],
    async () => {
      await servers[0]?.end()
      for (let i = 0; i < 6; i += 1)
        assert.equal((await ask()).status, 200, 'One process is gone, and this is what a client gets.')
    },
  )
})

interface Answer {
  readonly status: number
  readonly body: { client?: string; id: string; process?: number }
}

async function get(port: number, headers: Record<string, string> = {}): Promise<Answer> {
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

/** Tries for a second: logs are written when the answer is on its way. */
async function until(attempt: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + 1_000
  while (!(await attempt())) {
    if (performance.now() > deadline) return false
    await sleep(20)
  }
  return true
}
