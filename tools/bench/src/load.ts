import autocannon, { type Request, type Result } from 'autocannon'
import { formatCredentials, listNumbers, listPostsToVoteFor, POSTS } from './data.ts'
import { readCpuTime, readMemory, type Server } from './servers.ts'

export const CONNECTIONS = 32

/** Returns the requests that a connection repeats. Each connection belongs to another user. */
export type Requests = (user: number, token: string) => Request[]

const authorized = (token: string) => ({ authorization: `Bearer ${token}` })
const json = { 'content-type': 'application/json' }

export const LOGIN: Requests = (user) => [
  { method: 'POST', path: '/login', headers: json, body: formatCredentials(user) },
]

/** All operations except logins, which take seconds and are measured separately. */
export const OPERATIONS: Record<string, Requests> = {
  'GET /posts?limit=10': (_user, token) => [{ path: '/posts?limit=10', headers: authorized(token) }],
  'GET /posts/{id}': (user, token) =>
    listNumbers(100).map((n) => ({
      path: `/posts/${((user * 37 + n * 101) % POSTS) + 1}`,
      headers: authorized(token),
    })),
  'POST /posts': (_user, token) => [
    {
      method: 'POST',
      path: '/posts',
      headers: { ...authorized(token), ...json },
      body: JSON.stringify({
        title: 'Radishes in eggshells',
        content: 'Half a shell each, a spoon of earth, and a hole for the water to run out.',
      }),
    },
  ],
  'POST /vote': (user, token) =>
    listPostsToVoteFor(user)
      .slice(0, 100)
      .flatMap((post_id) =>
        [1, 0].map((dir) => ({
          method: 'POST' as const,
          path: '/vote',
          headers: { ...authorized(token), ...json },
          body: JSON.stringify({ post_id, dir }),
        })),
      ),
  'GET /': () => [{ path: '/' }],
}

export interface Figures {
  readonly perSecond: number
  /** CPU time of all processes, in microseconds per request. */
  readonly cpu: number
  readonly p50: number
  readonly p99: number
  /** The largest memory of a process, in MB. */
  readonly memory: number
}

/** Sends `amount` requests to each server of a side. */
export async function warmUp(
  servers: readonly Server[],
  requests: Requests,
  tokens: readonly string[],
  amount: number,
): Promise<void> {
  await load(servers, requests, tokens, { amount: amount * servers.length })
}

/** Measures all servers of a side under load. The connections are distributed among them. */
export async function measure(
  servers: readonly Server[],
  requests: Requests,
  tokens: readonly string[],
  seconds: number,
): Promise<Figures> {
  const before = await sum(servers, readCpuTime)
  const started = performance.now()
  const result = await load(servers, requests, tokens, { duration: seconds })
  const ms = performance.now() - started
  const count = result['2xx']
  return {
    perSecond: (count / ms) * 1_000,
    cpu: (((await sum(servers, readCpuTime)) - before) / count) * 1_000,
    p50: result.latency.p50,
    p99: result.latency.p99,
    memory: Math.max(...(await Promise.all(servers.map(readMemory)))),
  }
}

async function load(
  servers: readonly Server[],
  requests: Requests,
  tokens: readonly string[],
  length: { duration: number } | { amount: number },
): Promise<Result> {
  let user = 0
  const result = await autocannon({
    ...length,
    // autocannon accepts several URLs, but its types do not.
    url: servers.map(({ url }) => url) as unknown as string,
    connections: CONNECTIONS,
    timeout: 30,
    setupClient(client) {
      user++
      client.setRequests(requests(user, tokens[user - 1] as string))
    },
  })
  const failed = result.non2xx + result.errors
  if (failed > 0) throw new Error(`${failed} requests failed: ${JSON.stringify(result.statusCodeStats)}`)
  return result
}

async function sum(servers: readonly Server[], of: (server: Server) => Promise<number>): Promise<number> {
  const all = await Promise.all(servers.map(of))
  return all.reduce((total, one) => total + one, 0)
}
