/** What is known of one request. Times are milliseconds since it was received. */
export interface Trace {
  readonly id: number
  readonly requestId: string
  readonly method: string
  /** As far as it may be shown. */
  readonly path: string
  /** When it was received: milliseconds since 1970. */
  readonly at: number
  caller?: Caller
  status?: number
  /** How long it took; unset while it is under way. */
  ms?: number
  /** The client has left before its answer did. */
  left?: boolean
  /** What went wrong, if something did: what its answer says, and what was behind it. */
  problem?: Failure
  reason?: Failure
  keptBack?: KeptBack
  readonly steps: Step[]
  /** How many more steps there were than are kept. */
  more?: number
}

export interface Caller {
  readonly id: number
  readonly role: string
}

/** Of an error: its code, and what may be shown of the rest. */
export interface Failure {
  readonly code: string
  /** A sentence that has no value of anybody's in it. */
  readonly detail?: string
  /** Of a token: what was wrong. */
  readonly part?: string
  readonly claim?: string
  /** Of a value: where it was, and what was expected. */
  readonly errors?: readonly { readonly in: string; readonly path: string; readonly message: string }[]
  /** Of Postgres. */
  readonly sqlState?: string
  readonly constraint?: string
}

/** The names of members that were there to be sent and that the answer's schema does not name. */
export type KeptBack = readonly string[]

export interface Step {
  readonly kind: StepKind
  readonly from: number
  readonly to: number
  /** It went wrong. */
  readonly failed?: boolean
  readonly failure?: Failure
  /** Of a password: how much of the time it waited for its turn. */
  readonly waited?: number
  /** Of a password that was compared: `ok`, or why not. */
  readonly verdict?: string
  /** Of a statement: its text, without the values that are bound to it. */
  readonly sql?: string
  readonly rows?: number
  /** Of a statement outside a session, straight on the pool. */
  readonly onPool?: boolean
  /** Of a session: which of the process's it is. */
  readonly session?: number
  /** Of a ROLLBACK. */
  readonly why?: Why
  /** Of a validation. */
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
  | 'serialise'
  | 'send'

/** Why what was done was undone. */
export type Why =
  | { readonly because: 'answer'; readonly status: number }
  | { readonly because: 'thrown'; readonly code: string }
  | { readonly because: 'retry' | 'left' | 'asked' | 'over' }

/** What the page of an error code says, in short, and where it is explained. */
export interface Lesson {
  /** Its first sentence or two: what happened. */
  readonly what: string
  readonly page: string
  readonly chapter?: { readonly title: string; readonly page: string }
}
