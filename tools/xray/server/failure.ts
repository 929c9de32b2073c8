import type { FastifyRequest } from 'fastify'
import type { Failure } from './trace.ts'

/** Returns the parts of a thrown error that may be shown. Not its message: messages of Postgres and of parsers contain values. */
export function describeError(error: Thrown): Failure {
  const { code, name, part, claim, sqlState, constraint, validation } = error
  const cause = error.cause instanceof Error ? (error.cause as Thrown) : undefined
  // The cause is more precise than the response.
  if (code === 'JWT_KIT_INVALID_TOKEN' && cause?.code !== undefined) return describeError(cause)
  return {
    code: validation ? 'VALIDATION_FAILED' : (code ?? name),
    ...(part !== undefined && { part }),
    ...(claim !== undefined && { claim }),
    ...(sqlState !== undefined && { sqlState }),
    ...(constraint !== undefined && { constraint }),
  }
}

/** The members of the errors that Fastify, the packages and Postgres throw. */
export interface Thrown extends Error {
  code?: string
  part?: string
  claim?: string
  sqlState?: string
  constraint?: string
  validation?: unknown
}

/**
 * Returns the parts of a problem document (RFC 9457) that may be shown: its `detail` if the code is among `safeDetails`, and
 * those names of a query that the route's schema has.
 */
export function describeResponse(
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
