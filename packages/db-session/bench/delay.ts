import net from 'node:net'

/** A proxy to Postgres that delays each packet by some milliseconds: `node delay.ts <host> <port> <ms>`. */
const [host = '', port = '', ms = '1'] = process.argv.slice(2)
const server = net.createServer({ noDelay: true }, (client) => {
  const upstream = net.connect({ host, port: Number(port), noDelay: true })
  client.pipe(upstream)
  upstream.on('data', (data) => setTimeout(() => client.write(data), Number(ms)))
  for (const [here, there] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    here.on('error', () => there.destroy())
    here.on('close', () => there.destroy())
  }
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as net.AddressInfo).port))
process.on('disconnect', () => process.exit())
