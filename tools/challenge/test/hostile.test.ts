// Servers that hang, crash, send garbage, redirect, close early or never end: each gets a verdict that names the fault.
import net, { type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { runStages } from '../src/run.ts'
import { STAGES } from '../src/stages/index.ts'
import { Subject } from '../src/subject.ts'

const TIMEOUT_MS = 500

/** Runs all stages against a server that does this with each connection, and returns the reason of the first failure. */
async function judge(
  t: Test,
  onConnection: (socket: Socket) => void,
  isHttp = true,
): Promise<string | undefined> {
  const sockets = new Set<Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    if (isHttp) socket.once('data', () => onConnection(socket))
    else onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const results = await runStages(STAGES, new Subject({ url, timeoutMs: TIMEOUT_MS }), { isComplete: false })
  t.equal(results.length, 1, 'the run ends with the first stage')
  return results[0]?.results.find(({ state }) => state === 'failed')?.failure?.came
}

const head = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`
const servers: Record<string, [onConnection: (socket: Socket) => void, reason: RegExp]> = {
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
    /larger than 1 MiB/,
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
}

for (const [title, [onConnection, reason]] of Object.entries(servers)) {
  t.test(`a server that ${title} gets a verdict that names the fault`, async (t) => {
    t.match(await judge(t, onConnection), reason)
  })
}

t.test('a URL at which nothing listens gets a verdict that asks whether the server is running', async (t) => {
  const url = new URL('http://127.0.0.1:1')
  const [stage] = await runStages(STAGES, new Subject({ url }), { isComplete: false })
  t.match(stage?.results[0]?.failure?.came, 'Nothing is listening on 127.0.0.1:1. Is the server running?')
})

t.test('a response in chunks is read whole', async (t) => {
  const chunks = (socket: Socket) => {
    socket.write(head('transfer-encoding: chunked'))
    socket.end('3\r\n{"m\r\n7\r\n":"hi"}\r\n0\r\n\r\n')
  }
  const reason = await judge(t, chunks)
  t.match(reason, /^200 \{"m":"hi"\}/, 'only the unknown path, which is not a 404, fails')
})
