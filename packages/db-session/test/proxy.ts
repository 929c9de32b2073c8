import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/** The type and the length of ReadyForQuery. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5])

/**
 * Starts a proxy between knex and Postgres that records what is sent, and can cut or mute the connection.
 *
 * @param latencyMs - how long each response takes; everything sent until then belongs to the same round trip
 */
export async function proxy(t: Test, target: string, latencyMs = 0) {
  const to = new URL(target)
  const pairs = new Set<[Socket, Socket]>()
  const state = {
    messages: [] as string[],
    /** Everything that the client sends before it has a response, as one text per round trip. */
    roundTrips: [] as string[],
    /** The first bytes of each connection, up to eight, in hexadecimal. */
    openings: [] as string[],
    /** Passes ReadyForQuery, the last message of a response, on in a separate packet. */
    delaysReady: false,
    onMessage: (_text: string): 'pass' | 'cut' | 'mute' => 'pass',
  }
  const server = net.createServer((client) => {
    const upstream = net.connect(Number(to.port), to.hostname)
    const pair: [Socket, Socket] = [client, upstream]
    pairs.add(pair)
    let mute = false
    let hasResponse = true
    let roundTrip = 0
    client.once('data', (data) => state.openings.push(data.subarray(0, 8).toString('hex')))
    client.on('data', (data) => {
      const text = data.toString('latin1')
      state.messages.push(text)
      if (hasResponse) roundTrip = state.roundTrips.push(text) - 1
      else state.roundTrips[roundTrip] += text
      hasResponse = false
      const verdict = state.onMessage(text)
      if (verdict === 'mute') mute = true
      upstream.write(data, () => verdict === 'cut' && client.destroy())
    })
    upstream.on('data', (data) => {
      if (mute) return
      const forward = () => {
        hasResponse = true
        const start = state.delaysReady ? data.lastIndexOf(READY) : -1
        if (start < 0) return void client.write(data)
        client.write(data.subarray(0, start))
        setTimeout(() => client.write(data.subarray(start)), 5)
      }
      if (latencyMs > 0) setTimeout(forward, latencyMs)
      else forward()
    })
    for (const [here, there] of [pair, [upstream, client]] as const) {
      here.on('error', () => {})
      here.on('close', () => {
        there.destroy()
        pairs.delete(pair)
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const [client] of pairs) client.destroy()
    server.close()
  })
  const url = new URL(target)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(state, {
    url: url.href,
    cutAll() {
      for (const [client] of pairs) client.destroy()
    },
  })
}
