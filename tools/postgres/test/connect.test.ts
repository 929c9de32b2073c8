import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import t from 'tap'
import { connect } from '../src/connect.ts'
import { clusterIn } from '../src/folder.ts'
import { dataDir } from './support.ts'

const PASSWORD = 'a-password-that-must-not-be-sent'
const AUTHENTICATION = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslFinal: 12 }

function authentication(kind: number, rest: Buffer = Buffer.alloc(0)): Buffer {
  const message = Buffer.alloc(9)
  message.write('R')
  message.writeInt32BE(8 + rest.length, 1)
  message.writeInt32BE(kind, 5)
  return Buffer.concat([message, rest])
}

const readyForQuery = Buffer.from('Z\0\0\0\x05I')

t.test('the password is never sent to another program on the port', async (t) => {
  const strangers: Record<string, (socket: Socket, messages: number) => void> = {
    'asks for it': (socket) => socket.write(authentication(AUTHENTICATION.cleartext)),
    'asks for its MD5': (socket) => socket.write(authentication(AUTHENTICATION.md5, Buffer.from('salt'))),
    'begins SCRAM, then asks for it': (socket, messages) =>
      socket.write(
        messages === 1
          ? authentication(AUTHENTICATION.sasl, Buffer.from('SCRAM-SHA-256\0\0'))
          : authentication(AUTHENTICATION.cleartext),
      ),
    'lets everyone in': (socket) =>
      socket.write(Buffer.concat([authentication(AUTHENTICATION.ok), readyForQuery])),
    disconnects: (socket) => socket.end(),
    'is no Postgres': (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  }
  for (const [name, behave] of Object.entries(strangers)) {
    let received = ''
    let messages = 0
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1')
        messages += 1
        behave(socket, messages)
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const folder = clusterIn(await dataDir(t))
    await mkdir(folder.data, { recursive: true })
    await writeFile(folder.password, PASSWORD)
    const { port } = server.address() as { port: number }
    await writeFile(folder.pidFile, `${process.pid}\n/\n1\n${port}\n\n\n\nready\n`)
    await t.rejects(connect(folder), name)
    t.ok(received.includes('postgres'), `${name}: was asked`)
    t.notOk(received.includes(PASSWORD), name)
    server.close()
    await once(server, 'close')
  }
})
