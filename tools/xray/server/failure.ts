import type { FastifyRequest } from 'fastify'
import type { Failure } from './trace.ts'

/** Of an error that was thrown. Its message is not shown: Postgres's, and a parser's, have values in them. */
export function failureOf(error: Thrown): Failure {
  const { code, name, part, claim, sqlState, constraint, validation } = error
  const cause = error.cause instanceof Error ? (error.cause as Thrown) : undefined
  // What a client is told says less than the reason behind it.
  if (code === 'JWT_KIT_INVALID_TOKEN' && cause?.code !== undefined) return failureOf(cause)
  return {
    code: validation ? 'VALIDATION_FAILED' : (code ?? name),
    ...(part !== undefined && { part }),
    ...(claim !== undefined && { claim }),
    ...(sqlState !== undefined && { sqlState }),
    ...(constraint !== undefined && { constraint }),
  }
}

/** The members that errors here have. */
export interface Thrown extends Error {
  code?: string
  part?: string
  claim?: string
  sqlState?: string
  constraint?: string
  validation?: unknown
}

/**
 * What may be shown of a problem document (RFC 9457), which is what a client is answered with: of its `detail`, only that of
 * the codes in `safeDetails`; of the names in a query, only those that the route's schema has.
 */
export function failureOfAnswer(
  payload: unknown,
  request: FastifyRequest,
  safeDetails: ReadonlySet<string>,
): Failure | undefined {
  if (!isProblem(payload)) return undefined
  const { code, detail, errors } = payload
  const { properties = {} } = (request.routeOptions.schema?.querystring ?? {}) as { properties?: object }
  const isShown = (one: InvalidValue) =>
    one.in !== 'querystring' || Object.hasOwn(properties, one.path.replace('/', ''))
  return {
    code,
    ...(safeDetails.has(code) && { detail }),
    ...(errors && { errors: errors.map((one) => ({ ...one, path: isShown(one) ? one.path : '' })) }),
  }
}

interface InvalidValue {
  readonly in: string
  readonly path: string
  readonly message: string
}

interface ProblemDocument {
  readonly type: string
  readonly code: string
  readonly detail: string
  readonly errors?: readonly InvalidValue[]
}

function isProblem(payload: unknown): payload is ProblemDocument {
  if (typeof payload !== 'object' || payload === null) return false
  const { type, code } = payload as Partial<ProblemDocument>
  return typeof code === 'string' && typeof type === 'string' && type.endsWith(`/${code}`)
}
