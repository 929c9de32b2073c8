import fc, { type Arbitrary } from 'fast-check'
import { follow, type OpenApi, type Operation } from '../../../../test-support/document.ts'
import { LIVE_MEMBERS, LIVE_PATHS } from './live.ts'
import { object, odd, oddText, valid } from './values.ts'

/** A generated request to an operation, and how it was mutated. */
export interface FuzzRequest {
  readonly path: Readonly<Record<string, string>>
  readonly query: readonly (readonly [name: string, value: string])[]
  readonly headers: Readonly<Record<string, string>>
  readonly token: Token
  /** The body's media type and value, if the operation has one. */
  readonly body?: { readonly type: string; readonly value: unknown } | undefined
  /** Text to send unchanged instead of the body. */
  readonly raw?: string
  /** How a valid request was mutated; empty if it was not. */
  readonly mutations: readonly string[]
}

export type Token = 'good' | 'none' | 'forged' | 'malformed' | 'basic'

type Mutation = (request: FuzzRequest) => FuzzRequest

/**
 * A placeholder for a value that the document cannot contain, such as the id of an existing post. The tables in `live.ts`
 * have the values that replace it when the request is sent.
 */
export const LIVE = '{live}'

/** Generates requests that are valid by the document, three of four with `LIVE` values. */
export function generateValidRequests(document: OpenApi, operation: Operation): Arbitrary<FuzzRequest> {
  const resolve = (schema: object) => follow(document, schema)
  const parameters = (place: 'path' | 'query') => {
    const those = operation.parameters.filter((one) => one.in === place)
    return object(
      those.map(({ name, schema }) => [name, valid(schema, resolve)]),
      those.filter(({ required }) => required).map(({ name }) => name),
    ).map((members) => mapValues(members, String))
  }
  const bodies = Object.entries(operation.requestBody?.content ?? {}).map(([type, { schema }]) =>
    valid(schema, resolve).map((value) => ({ type, value })),
  )
  const requests = fc.record({
    path: parameters('path'),
    query: parameters('query').map(encodeQuery),
    headers: fc.constantFrom({}, {}, { accept: 'text/html' }, { accept: '*/*' }),
    token: fc.constant<Token>(operation.security.length > 0 ? 'good' : 'none'),
    body: bodies.length > 0 ? fc.oneof(...bodies) : fc.constant(undefined),
    mutations: fc.constant([]),
  })
  return fc
    .tuple(requests, fc.constantFrom(true, true, true, false))
    .map(([request, isLive]) => (isLive ? withLive(operation, request) : request))
}

function withLive(operation: Operation, { path, body, ...request }: FuzzRequest): FuzzRequest {
  return {
    ...request,
    path: operation.path in LIVE_PATHS ? mapValues(path, () => LIVE) : path,
    body: body && {
      ...body,
      value: mapValues(body.value as object, (value, name) => (name in LIVE_MEMBERS ? LIVE : value)),
    },
  }
}

/** Generates requests with one to three mutations. */
export function generateMutatedRequests(document: OpenApi, operation: Operation): Arbitrary<FuzzRequest> {
  return fc
    .tuple(
      generateValidRequests(document, operation),
      fc.array(mutation(operation), { minLength: 1, maxLength: 3 }),
    )
    .map(([request, mutations]) => mutations.reduce((one, mutate) => mutate(one), request))
}

function mutation({ parameters, requestBody, security }: Operation): Arbitrary<Mutation> {
  const inPath = parameters.filter((one) => one.in === 'path').map(({ name }) => name)
  const inQuery = parameters.filter((one) => one.in === 'query').map(({ name }) => name)
  return fc.oneof(
    queryMutation(inQuery),
    headerMutation,
    bodyTypeMutation,
    ...(inPath.length > 0 ? [pathMutation(inPath)] : []),
    ...(requestBody ? [valueMutation, valueMutation, rawMutation] : []),
    ...(security.length > 0 ? [tokenMutation] : []),
  )
}

const pathMutation = (names: string[]) =>
  // Without an id, the path would be another operation's.
  fc
    .tuple(
      fc.constantFrom(...names),
      oddText.filter((text) => text !== ''),
    )
    .map(
      ([name, text]): Mutation =>
        did(`${name} in the path: ${text.slice(0, 20)}`, (one) => ({ path: { ...one.path, [name]: text } })),
    )

const queryMutation = (names: string[]) =>
  fc
    .tuple(fc.constantFrom(...names, 'other', '__proto__'), fc.array(oddText, { minLength: 1, maxLength: 3 }))
    .map(
      ([name, texts]): Mutation =>
        did(`${name} in the query, ${texts.length} times`, ({ query }) => ({
          query: [...query, ...texts.map((text) => [name, text] as const)],
        })),
    )

const headerMutation = fc
  .constantFrom<Record<string, string>>(
    { accept: 'image/png' },
    { accept: ';;;' },
    { 'content-encoding': 'gzip' },
    { 'x-long': 'x'.repeat(20_000) },
    { origin: 'null' },
    { 'x-forwarded-for': '127.0.0.1, ::1' },
    { cookie: 'a=%zz; b' },
  )
  .map(
    (headers): Mutation =>
      did(`header ${Object.keys(headers)}`, (one) => ({ headers: { ...one.headers, ...headers } })),
  )

/** Adds a body if the operation has none. */
const bodyTypeMutation = fc
  .constantFrom(
    'text/plain',
    'text/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
    'application/problem+json',
    'application/json',
    'nonsense',
    '',
  )
  .map(
    (type): Mutation => did(`body as ${type}`, ({ body }) => ({ body: { type, value: body?.value ?? {} } })),
  )

const valueMutation = fc.tuple(fc.nat(), fc.constantFrom('drop', 'replace', 'add', 'whole'), odd).map(
  ([index, how, value]): Mutation =>
    did(`body: ${how}`, ({ body }) => {
      if (body === undefined) return {}
      if (how === 'whole') return { body: { ...body, value } }
      const members = { ...(body.value as Record<string, unknown>) }
      const names = Object.keys(members)
      const name = names[index % names.length] ?? 'other'
      if (how === 'drop') delete members[name]
      else if (how === 'replace') members[name] = value
      else Object.assign(members, { id: value, role: 'admin', owner_id: value, constructor: value })
      return { body: { ...body, value: members } }
    }),
)

const rawMutation = fc
  .constantFrom(
    '',
    '{',
    '{"a":1,}',
    'null',
    '[]',
    '"',
    '{"__proto__":{"role":"admin"}}',
    '{"a":'.repeat(5_000),
    '\ufeff{}',
    'a=1&a=2&b[c]=3',
    'username=%zz&password=%00',
    `{"title":"${'x'.repeat(1_100_000)}"}`,
  )
  .map((raw): Mutation => did(`raw body ${raw.slice(0, 12)}`, () => ({ raw })))

const tokenMutation = fc
  .constantFrom<Token>('none', 'forged', 'malformed', 'basic')
  .map((token): Mutation => did(`token: ${token}`, () => ({ token })))

function did(what: string, change: (request: FuzzRequest) => Partial<FuzzRequest>): Mutation {
  return (request) => ({ ...request, ...change(request), mutations: [...request.mutations, what] })
}

function encodeQuery(members: Record<string, string>): [string, string][] {
  return Object.entries(members).map(([name, value]) => [name, encodeURIComponent(value.toWellFormed())])
}

function mapValues<T, U>(
  members: Record<string, T> | object,
  map: (value: T, name: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, map(value, name)]))
}
