import type { FastifyRequest, RouteOptions } from 'fastify'

/**
 * What of a path and its query may be shown. People put secrets into both by mistake, so nothing is shown but what the routes
 * themselves are made of, numbers where a route takes a parameter, and the names and numbers of a query that a schema knows.
 */
export class ShownPaths {
  readonly #words = new Set<string>()

  add({ url }: RouteOptions): void {
    for (const segment of url.split('/')) if (!/[:*]/.test(segment)) this.#words.add(segment)
  }

  of({ url, is404, routeOptions }: Pick<FastifyRequest, 'url' | 'is404' | 'routeOptions'>): string {
    const [path = '', query] = url.split('?', 2)
    const pattern = is404 ? [] : (routeOptions.url ?? '').split('/')
    const segments = path.split('/').map((segment, index) => {
      const isParameter = pattern[index]?.startsWith(':') === true
      return this.#words.has(segment) || (isParameter && isNumber(segment)) ? segment : HIDDEN
    })
    if (query === undefined) return segments.join('/')
    const { properties = {} } = (routeOptions.schema?.querystring ?? {}) as Querystring
    const members = [...new URLSearchParams(query)].slice(0, MOST).map(([name, value]) => {
      const known = Object.hasOwn(properties, name) ? properties[name] : undefined
      return known ? `${name}=${known.type === 'integer' && isNumber(value) ? value : HIDDEN}` : HIDDEN
    })
    return `${segments.join('/')}?${members.join('&')}`
  }
}

const HIDDEN = '…'
const MOST = 10

interface Querystring {
  properties?: Record<string, { type?: string }>
}

function isNumber(text: string): boolean {
  return /^\d{1,10}$/.test(text)
}

/** The names of what a schema keeps back of a payload, such as `owner.password`; of a list, of its first element. */
export function namesKeptBack(payload: unknown, schema: Schema | undefined, prefix = ''): string[] {
  if (schema === undefined || payload === null || typeof payload !== 'object') return []
  if (Array.isArray(payload)) return namesKeptBack(payload[0], schema.items, prefix)
  const { properties, additionalProperties = false } = schema
  if (properties === undefined || additionalProperties !== false) return []
  return Object.entries(payload).flatMap(([name, value]) =>
    Object.hasOwn(properties, name)
      ? namesKeptBack(value, properties[name], `${prefix}${name}.`)
      : [`${prefix}${name}`],
  )
}

export interface Schema {
  additionalProperties?: unknown
  properties?: Record<string, Schema>
  items?: Schema
}

/** The schema of an answer with this status, as the route has it. */
export function answerSchema(request: FastifyRequest, status: number): Schema | undefined {
  const { response = {} } = (request.routeOptions.schema ?? {}) as { response?: Record<string, Described> }
  const described = response[status]
  return described?.content?.['application/json']?.schema ?? described
}

interface Described extends Schema {
  content?: Record<string, { schema?: Schema }>
}
