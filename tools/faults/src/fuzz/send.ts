import type { ServiceClient } from '../../../../test-support/client.ts'
import type { Operation } from '../../../../test-support/document.ts'
import type { Sent } from '../http.ts'
import { type Caller, LIVE_MEMBERS, LIVE_PATHS } from './live.ts'
import { type FuzzRequest, LIVE } from './requests.ts'

const KIB = 1_024

/** The largest bodies that the service reads: of a post, and of any other request. */
const POST_BODY_LIMIT = 256 * KIB
const BODY_LIMIT = 32 * KIB

/** Replaces the placeholders of a generated request. */
export async function fillIn(
  operation: Operation,
  { path, body, ...request }: FuzzRequest,
  service: ServiceClient,
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

async function fillBody(value: unknown, service: ServiceClient, caller: Caller): Promise<unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const filled: Record<string, unknown> = { ...value }
  for (const [name, live] of Object.entries(LIVE_MEMBERS))
    if (filled[name] === LIVE) filled[name] = await live(service, caller)
  return filled
}

/** Returns the request as it is sent. */
export function toSend({ method, path }: Operation, request: FuzzRequest, token: string): Sent {
  const body = formatBody(request)
  return {
    method,
    path: path.replace(/\{(\w+)\}/g, (_, name) => request.path[name] ?? '') + formatQuery(request),
    headers: {
      ...request.headers,
      ...AUTHORIZATION[request.token](token),
      ...(request.body?.type && { 'content-type': request.body.type }),
    },
    body,
    // A body that is too long is rejected unread. Sending it anyway could cut off the response.
    keepBody: body !== undefined && Buffer.byteLength(body) > getBodyLimit(path),
  }
}

function getBodyLimit(path: string): number {
  return path.startsWith('/posts') ? POST_BODY_LIMIT : BODY_LIMIT
}

const AUTHORIZATION: Record<FuzzRequest['token'], (token: string) => Record<string, string>> = {
  good: (token) => ({ authorization: `Bearer ${token}` }),
  none: () => ({}),
  forged: (token) => ({ authorization: `Bearer ${token.slice(0, -4)}AAAA` }),
  malformed: (token) => ({ authorization: `Bearer ${token} ${token}` }),
  basic: () => ({ authorization: 'Basic YTpi' }),
}

function formatQuery({ query }: FuzzRequest): string {
  return query.length > 0 ? `?${query.map(([name, value]) => `${name}=${value}`).join('&')}` : ''
}

function formatBody({ body, raw }: FuzzRequest): string | undefined {
  if (raw !== undefined) return raw
  if (body === undefined) return undefined
  if (!body.type.includes('urlencoded')) return JSON.stringify(body.value) ?? ''
  const members = typeof body.value === 'object' && body.value !== null ? Object.entries(body.value) : []
  return new URLSearchParams(
    members.map(([name, value]): [string, string] => [name, toText(value)]),
  ).toString()
}

function toText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
