import type { ProblemDocument } from '../problem.ts'
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

/** Of a problem document, which is what a client is answered with. */
export function failureOfAnswer(payload: unknown): Failure | undefined {
  if (!isProblem(payload)) return undefined
  const { code, detail, errors } = payload
  return {
    code,
    ...(WITHOUT_VALUES.has(code) && { detail }),
    // A repeated key of a query is named, and its name is whatever somebody sent.
    ...(errors && {
      errors: errors.map((one) => ({ ...one, path: REPEATED === one.message ? '' : one.path })),
    }),
  }
}

const REPEATED = 'must be given once'

/** Problems whose `detail` is a sentence of the code's own. Others tell of a path, or quote what could not be read. */
const WITHOUT_VALUES: ReadonlySet<string> = new Set([
  'TOKEN_INVALID',
  'NOT_AUTHENTICATED',
  'INVALID_CREDENTIALS',
  'NOT_OWNER',
  'EMAIL_TAKEN',
  'ALREADY_VOTED',
  'CONFLICT',
  'TOO_MANY_REQUESTS',
  'OVERLOADED',
  'DATABASE_UNAVAILABLE',
  'COMMIT_OUTCOME_UNKNOWN',
  'INTERNAL',
])

function isProblem(payload: unknown): payload is ProblemDocument {
  if (typeof payload !== 'object' || payload === null) return false
  const { type, code } = payload as Partial<ProblemDocument>
  return code !== undefined && type === `/guide/errors/${code}`
}
