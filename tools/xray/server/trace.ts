/** The trace of one request. Times are milliseconds since it was received. */
export interface Trace {
  readonly id: number
  readonly requestId: string
  readonly method: string
  /** Redacted. */
  readonly path: string
  /** True for a page, a script or another file, which is not part of the service's API. */
  readonly isPage?: true
  /** When it was received: milliseconds since 1970. */
  readonly at: number
  caller?: Caller
  status?: number
  /** How long it took; unset while it is in progress. */
  ms?: number
  /** The client disconnected before its response was sent. */
  clientDisconnected?: boolean
  /** The problem document that the client gets, and the error behind it. */
  problem?: Failure
  reason?: Failure
  /** The names of members that the response's schema left out. */
  omitted?: readonly string[]
  readonly steps: Step[]
  /** How many steps were dropped. */
  droppedSteps?: number
}

export interface Caller {
  readonly id: number
  readonly role?: string
  readonly name?: string
}

/** An error: its code, and the other parts that may be shown. */
export interface Failure {
  readonly code: string
  /** A sentence without any client's values. */
  readonly detail?: string
  /** Which part of a token was wrong. */
  readonly part?: string
  readonly claim?: string
  /** The places of invalid values, and the expected values. */
  readonly errors?: readonly { readonly in: string; readonly path: string; readonly message: string }[]
  readonly sqlState?: string
  readonly constraint?: string
}

export interface Step {
  readonly kind: StepKind
  readonly from: number
  readonly to: number
  readonly failed?: boolean
  readonly failure?: Failure
  /** How long a password waited for a hashing slot. */
  readonly waited?: number
  /** The result of comparing a password: `ok`, or why not. */
  readonly verdict?: string
  /** A statement's text, without its bound values. */
  readonly sql?: string
  readonly rows?: number
  /** True if the statement was sent outside a database session, directly on the pool. */
  readonly onPool?: boolean
  /** The database session's number in this process. */
  readonly session?: number
  /** Why it was rolled back. */
  readonly why?: Why
  /** The parts that were validated. */
  readonly parts?: readonly string[]
}

export type StepKind =
  | 'token'
  | 'body'
  | 'validation'
  | 'begin'
  | 'query'
  | 'savepoint'
  | 'commit'
  | 'rollback'
  | 'hash'
  | 'sign'
  | 'thrown'
  | 'serialize'
  | 'send'

/** Why a session rolled back. */
export type Why =
  | { readonly because: 'response'; readonly status: number }
  | { readonly because: 'thrown'; readonly code: string }
  | { readonly because: 'retry' | 'disconnected' | 'asked' | 'over' }

/** A summary of an error code's page, and a link to it. */
export interface Lesson {
  /** Its section *What happened*, as plain text. */
  readonly what: string
  readonly page?: string
  readonly chapter?: { readonly title: string; readonly page: string }
}
