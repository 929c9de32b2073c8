import { Agent, request as httpRequest } from 'node:http'
import type { Operation } from '../document.ts'
import type { TestService } from '../helper.ts'
import { type Caller, LIVE_MEMBERS, LIVE_PATHS } from './live.ts'
import { type FuzzRequest, LIVE } from './requests.ts'

export interface FuzzAnswer {
  readonly status: number
  /** Without its parameters. */
  readonly mediaType: string
  readonly text: string
}

/** Puts what is live into a request: the request that is sent. */
export async function fillIn(
  operation: Operation,
  { path, body, ...request }: FuzzRequest,
  service: TestService,
  caller: Caller,
): Promise<FuzzRequest> {
  const livePath = LIVE_PATHS[operation.path]
  const filled: Record<string, string> = {}
  for (const [name, text] of Object.entries(path))
    filled[name] = text === LIVE ? String(await livePath?.(service, caller)) : text
  return {
    ...request,
    path: filled,
    body: body && { ...body, value: await fillBody(body.value, service, caller) },
  }
}

async function fillBody(value: unknown, service: TestService, caller: Caller): Promise<unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const filled: Record<string, unknown> = { ...value }
  for (const [name, live] of Object.entries(LIVE_MEMBERS))
    if (filled[name] === LIVE) filled[name] = await live(service, caller)
  return filled
}

const agent = new Agent({ keepAlive: true })

/** Sends it byte for byte: `fetch` would mend some of it. */
export async function send(
  url: string,
  { method, path }: Operation,
  request: FuzzRequest,
  token: string,
): Promise<FuzzAnswer> {
  const { hostname, port } = new URL(url)
  const body = bodyOf(request)
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        hostname,
        port,
        agent,
        method,
        path: path.replace(/\{(\w+)\}/g, (_, name) => request.path[name] ?? '') + queryOf(request),
        headers: {
          ...request.headers,
          ...AUTHORIZATION[request.token](token),
          ...(request.body?.type && { 'content-type': request.body.type }),
          ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
        },
      },
      async (incoming) => {
        let text = ''
        for await (const chunk of incoming.setEncoding('utf8')) text += chunk
        outgoing.destroy()
        const [mediaType = ''] = (incoming.headers['content-type'] ?? '').split(';')
        resolve({ status: incoming.statusCode ?? 0, mediaType, text })
      },
    )
    outgoing.on('error', reject)
    // A body that is refused for its length is refused unread: sent all the same, it could cut off the answer.
    if (body !== undefined && body.length > LARGEST_BODY) outgoing.flushHeaders()
    else outgoing.end(body)
  })
}

/** Fastify's `bodyLimit`. */
const LARGEST_BODY = 1_048_576

const AUTHORIZATION: Record<FuzzRequest['token'], (token: string) => Record<string, string>> = {
  good: (token) => ({ authorization: `Bearer ${token}` }),
  none: () => ({}),
  forged: (token) => ({ authorization: `Bearer ${token.slice(0, -4)}AAAA` }),
  malformed: (token) => ({ authorization: `Bearer ${token} ${token}` }),
  basic: () => ({ authorization: 'Basic YTpi' }),
}

function queryOf({ query }: FuzzRequest): string {
  return query.length > 0 ? `?${query.map(([name, value]) => `${name}=${value}`).join('&')}` : ''
}

function bodyOf({ body, raw }: FuzzRequest): string | undefined {
  if (raw !== undefined) return raw
  if (body === undefined) return undefined
  if (!body.type.includes('urlencoded')) return JSON.stringify(body.value) ?? ''
  const members = typeof body.value === 'object' && body.value !== null ? Object.entries(body.value) : []
  return new URLSearchParams(
    members.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString()
}
