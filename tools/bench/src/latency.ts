import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { USERS } from './data.ts'
import { logIn, type Server } from './servers.ts'

const EVERY_MS = 50

/** Returns the response times of `GET /` in milliseconds, sent every 50 ms, while this number of clients log in continuously. */
export async function measureLatencies({ url }: Server, clients: number, seconds: number): Promise<number[]> {
  const stop = new AbortController()
  const logins = Array.from({ length: clients }, (_, client) =>
    logInRepeatedly(url, (client % USERS) + 1, stop.signal),
  )
  if (clients > 0) await sleep(1_000)
  const agent = new Agent({ keepAlive: true })
  const times: number[] = []
  const asked: Promise<void>[] = []
  const end = performance.now() + seconds * 1_000
  while (performance.now() < end) {
    const started = performance.now()
    asked.push(get(url, agent).then(() => void times.push(performance.now() - started)))
    await sleep(EVERY_MS)
  }
  await Promise.all(asked)
  stop.abort()
  await Promise.all(logins)
  agent.destroy()
  return times
}

function get(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => response.resume().on('end', resolve))
      .on('error', reject)
      .end()
  })
}

async function logInRepeatedly(url: string, user: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const response = await logIn(url, user, signal).catch((error) => {
      if (!signal.aborted) throw error
    })
    if (response && !response.ok) throw new Error(`A login got the status ${response.status}`)
    await response?.text().catch(() => {})
  }
}
