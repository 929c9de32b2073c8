// Servers that hang, crash, send garbage, redirect, close early or never end: each gets a verdict that names the fault.
import http, { type ServerResponse } from 'node:http'
import net, { type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { Check } from '../src/check.ts'
import { runCheck, runStages } from '../src/run.ts'
import { survivesBadInput } from '../src/stages/18-survives-bad-input.ts'
import { STAGES } from '../src/stages/index.ts'
import { Subject } from '../src/subject.ts'

const TIMEOUT_MS = 500

/** Runs all stages against a server that does this with each connection, and returns the reason of the first failure. */
async function judge(
  t: Test,
  onConnection: (socket: Socket) => void,
  timeoutMs = TIMEOUT_MS,
): Promise<string | undefined> {
  const sockets = new Set<Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => onConnection(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const results = await runStages(STAGES, new Subject({ url, timeoutMs }), { isComplete: false })
  t.equal(results.length, 1, 'the run ends with the first stage')
  return results[0]?.results.find(({ state }) => state === 'failed')?.failure?.actual
}

const head = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`
const servers: Record<string, [onConnection: (socket: Socket) => void, reason: RegExp, timeoutMs?: number]> =
  {
    'never responds': [() => {}, /No response arrived within 0\.5 seconds/],
    'closes the connection at once': [(socket) => socket.destroy(), /closed the connection/],
    'closes the connection in the middle of the body': [
      (socket) => socket.end(`${head('content-length: 100')}half`),
      /closed the connection/,
    ],
    'sends a body that never ends': [
      (socket) => {
        socket.write(head('transfer-encoding: chunked'))
        const timer = setInterval(() => socket.write('4\r\nmore\r\n'), 20)
        socket.once('close', () => clearInterval(timer))
      },
      /did not end within 0\.5 seconds/,
    ],
    'sends an endless body quickly': [
      (socket) => {
        socket.write(head('transfer-encoding: chunked'))
        const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
        const write = (): void => {
          while (!socket.destroyed && socket.write(chunk));
          if (!socket.destroyed) socket.once('drain', write)
        }
        write()
      },
      /larger than 16 MiB/,
      // a slow machine must send it all
      60_000,
    ],
    'sends something that is not HTTP': [(socket) => socket.end('tomatoes\r\n\r\n'), /not an HTTP response/],
    'redirects elsewhere': [
      (socket) =>
        socket.end('HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n'),
      /^302/,
    ],
    'redirects to itself, again and again': [
      (socket) => socket.end('HTTP/1.1 307 Temporary Redirect\r\nlocation: /\r\ncontent-length: 0\r\n\r\n'),
      /^307/,
    ],
    'sends control characters': [
      (socket) => socket.end('HTTP/1.1 500 X\r\ncontent-length: 4\r\n\r\n\x1b[2J'),
      /^500/,
    ],
    'sends text that is not UTF-8': [
      (socket) => socket.end(Buffer.from('HTTP/1.1 500 X\r\ncontent-length: 4\r\n\r\n\xff\xfe{"', 'latin1')),
      /^500 \ufffd/,
    ],
    'sends headers that are too large': [
      (socket) => socket.end(head(`x-large: ${'x'.repeat(100_000)}`)),
      /headers of the response are larger than 16 KiB/,
    ],
    'sends its headers one byte at a time': [
      (socket) => drip(socket, head('content-length: 2')),
      /No response arrived within 0\.5 seconds/,
    ],
    'sends its body one byte at a time': [
      (socket) => {
        socket.write(head('content-length: 1000'))
        drip(socket, 'x'.repeat(1_000))
      },
      /did not end within 0\.5 seconds\. Only \d+ bytes/,
    ],
    'promises more bytes than it sends': [
      (socket) => socket.write(`${head('content-length: 100')}half`),
      /did not end within 0\.5 seconds\. Only 4 bytes/,
    ],
    'sends more bytes than it promised': [
      (socket) => socket.end('HTTP/1.1 500 X\r\ncontent-length: 4\r\n\r\nhalf and more'),
      /^500 half$/,
    ],
    'sends two different lengths': [
      (socket) => socket.end(`${head('content-length: 4\r\ncontent-length: 9')}half`),
      /not an HTTP response/,
    ],
    'sends interim responses without an end': [
      (socket) => {
        const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 1)
        socket.once('close', () => clearInterval(timer))
      },
      /more than 10 responses with a status from 100 to 199/,
    ],
    'switches to another protocol': [
      (socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      /switched to another protocol|closed the connection/,
    ],
  }

function drip(socket: Socket, text: string): void {
  let index = 0
  const timer = setInterval(() => socket.write(text.charAt(index++)), 20)
  socket.once('close', () => clearInterval(timer))
}

for (const [title, [onConnection, reason, timeoutMs]] of Object.entries(servers)) {
  t.test(`a server that ${title} gets a verdict that names the fault`, async (t) => {
    t.match(await judge(t, onConnection, timeoutMs), reason)
  })
}

t.test('a URL at which nothing listens gets a verdict that asks whether the server is running', async (t) => {
  const url = new URL('http://127.0.0.1:1')
  const [stage] = await runStages(STAGES, new Subject({ url }), { isComplete: false })
  t.match(stage?.results[0]?.failure?.actual, 'Nothing is listening on 127.0.0.1:1. Is the server running?')
})

t.test('a response in chunks is read whole', async (t) => {
  const chunks = (socket: Socket) => {
    socket.write(head('transfer-encoding: chunked'))
    socket.end('3\r\n{"m\r\n7\r\n":"hi"}\r\n0\r\n\r\n')
  }
  const reason = await judge(t, chunks)
  t.match(reason, /^200 \{"m":"hi"\}/, 'only the unknown path, which is not a 404, fails')
})

/** Starts a server that answers stage 1, and every other request with this. */
async function startLater(
  t: Test,
  onRequest: (response: ServerResponse, request: string, stop: () => void) => void,
): Promise<URL> {
  const server = http.createServer((request, response) => {
    request.resume()
    const name = `${request.method} ${request.url}`
    if (name === 'GET /') response.end('{}')
    else if (name.includes('no-such-path')) response.writeHead(404).end()
    else onRequest(response, name, stop)
  })
  const stop = (): void => {
    server.close()
    server.closeAllConnections()
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(stop)
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

t.test('the run of all stages ends after three checks without a response', async (t) => {
  const url = await startLater(t, () => {})
  const results = await runStages(STAGES, new Subject({ url, timeoutMs: TIMEOUT_MS }), { isComplete: true })
  t.same(
    results.map(({ stage, isPassed }) => [stage.number, isPassed]),
    [
      ['01', true],
      ['02', false],
    ],
  )
  const states = results[1]?.results.map(({ state }) => state)
  t.same(states, ['failed', 'failed', 'failed', 'blocked', 'blocked', 'blocked'])
  t.match(results[1]?.results.at(-1), { reason: 'The server does not respond, so the run has ended.' })
})

t.test('the run of all stages ends when the server stops', async (t) => {
  const url = await startLater(t, (_response, _request, stop) => stop())
  const results = await runStages(STAGES, new Subject({ url, timeoutMs: TIMEOUT_MS }), { isComplete: true })
  t.equal(results.length, 2)
  const states = results[1]?.results.map(({ state }) => state)
  t.same(states, ['failed', 'blocked', 'blocked', 'blocked', 'blocked', 'blocked'])
})

const bodies: Record<string, [body: string, reason: RegExp]> = {
  'an ID that is half of a character': ['{"id":"\\ud800","title":"x","content":"x"}', /./],
  'an ID that is an object': ['{"id":{},"title":"x","content":"x"}', /`id`/],
  'a list instead of a post': ['[1, [2], null]', /JSON object/],
  'JSON that is nested deeply': [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, /JSON object/],
  'members that every object has': ['{"__proto__":{"id":1},"constructor":1,"toString":2}', /`id`/],
}

for (const [title, [body, reason]] of Object.entries(bodies)) {
  t.test(`a server that responds to everything with ${title} gets a verdict for every check`, async (t) => {
    const url = await startLater(t, (response) =>
      response.writeHead(201, { 'content-type': 'application/json' }).end(body),
    )
    const results = await runStages(STAGES, new Subject({ url, timeoutMs: TIMEOUT_MS }), { isComplete: true })
    t.equal(results.length, STAGES.length)
    t.match(results[2]?.results[0]?.failure?.message, reason)
  })
}

t.test('a server with a token that fits in no header gets a verdict for every check', async (t) => {
  const url = await startLater(t, (response, request) => {
    const token = request === 'POST /login' ? 'a\nb' : undefined
    response.writeHead(201).end(JSON.stringify({ id: 1, title: 'x', access_token: token, email: 'x' }))
  })
  const results = await runStages(STAGES, new Subject({ url, timeoutMs: TIMEOUT_MS }), { isComplete: true })
  const checks = results.flatMap((stage) => stage.results)
  t.match(
    checks.find(({ check }) => check.id === 'token-accepted')?.failure?.actual,
    'other characters than ASCII',
  )
})

t.test('a server that crashes right after its response fails the check whose request did it', async (t) => {
  const url = await startLater(t, (response, request, stop) => {
    response.writeHead(404, { connection: 'close' }).end()
    if (request.startsWith('GET /posts/999')) response.once('close', stop)
  })
  const check = survivesBadInput.checks.find(({ id }) => id === 'huge-id') as Check
  const result = await runCheck(check, new Subject({ url, timeoutMs: TIMEOUT_MS }))
  t.match(result, { state: 'failed', isSilent: true })
  t.match(result.failure, {
    ...{ sent: { path: '/posts/99999999999999999999' }, expected: 'a server that still responds' },
    actual: /^no response to GET \/ after this: /,
  })
})
