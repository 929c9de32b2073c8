import type { FastifyRequest, RouteOptions } from 'fastify'

const HIDDEN = '…'
const MAX_QUERY_MEMBERS = 10

/**
 * Redacts paths and queries, because people put secrets into them by mistake. It keeps only the fixed segments of routes,
 * numbers as route parameters, and the names and numbers of a query that the route's schema has.
 */
export class PathRedactor {
  readonly #segments = new Set<string>()

  addRoute({ url }: RouteOptions): void {
    for (const segment of url.split('/')) if (!/[:*]/.test(segment)) this.#segments.add(segment)
  }

  redact({ url, is404, routeOptions }: Pick<FastifyRequest, 'url' | 'is404' | 'routeOptions'>): string {
    const [path = '', query] = url.split('?', 2)
    const pattern = is404 ? [] : (routeOptions.url ?? '').split('/')
    const segments = path.split('/').map((segment, index) => {
      const isParameter = pattern[index]?.startsWith(':') === true
      return this.#segments.has(segment) || (isParameter && isNumber(segment)) ? segment : HIDDEN
    })
    if (query === undefined) return segments.join('/')
    const { properties = {} } = (routeOptions.schema?.querystring ?? {}) as Querystring
    const members = [...new URLSearchParams(query)].slice(0, MAX_QUERY_MEMBERS).map(([name, value]) => {
      const known = Object.hasOwn(properties, name) ? properties[name] : undefined
      return known ? `${name}=${known.type === 'integer' && isNumber(value) ? value : HIDDEN}` : HIDDEN
    })
    return `${segments.join('/')}?${members.join('&')}`
  }
}

interface Querystring {
  properties?: Record<string, { type?: string }>
}

function isNumber(text: string): boolean {
  return /^\d{1,10}$/.test(text)
}
