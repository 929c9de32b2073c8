import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'

/** What the server tells. */
interface Told {
  readonly port?: number
  readonly tokens?: Record<string, string>
  readonly p50?: number
  readonly p99?: number
}

/**
 * Floods a server in a process of its own with tokens that must be refused, on many connections at once, and asks it how late
 * its event loop was: rows of what was sent, requests a second, and the median and 99th percentile of the delay.
 */
export async function flood(durationMs: number): Promise<string[][]> {
  const server = fork(new URL('./flood-server.ts', import.meta.url), { execArgv: ['--import', 'tsx'] })
  const [{ port, tokens }] = (await once(server, 'message')) as [Told]
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const rows: string[][] = []
  for (const [name, token] of Object.entries({ 'no guard, for comparison': '', ...tokens })) {
    const url = token === '' ? '/open' : '/guarded'
    await send(port as number, agent, url, token, 500)
    server.send('start')
    const sent = await send(port as number, agent, url, token, durationMs)
    server.send('stop')
    const [{ p50, p99 }] = (await once(server, 'message')) as [Told]
    rows.push([
      name,
      ((sent * 1000) / durationMs).toFixed(0),
      `${p50?.toFixed(1)} ms`,
      `${p99?.toFixed(1)} ms`,
    ])
  }
  agent.destroy()
  server.disconnect()
  await once(server, 'exit')
  return rows
}

async function send(
  port: number,
  agent: Agent,
  path: string,
  token: string,
  durationMs: number,
): Promise<number> {
  const end = Date.now() + durationMs
  let sent = 0
  const headers = token === '' ? {} : { authorization: `Bearer ${token}` }
  const connection = async () => {
    while (Date.now() < end) {
      await new Promise<void>((resolve, reject) => {
        const outgoing = request({ host: '127.0.0.1', port, path, agent, headers }, (reply) =>
          reply.resume().on('end', resolve),
        )
        outgoing.on('error', reject).end()
      })
      sent++
    }
  }
  await Promise.all(Array.from({ length: 64 }, connection))
  return sent
}
