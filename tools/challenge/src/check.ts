// The parts of a stage, and the possible results of a check.
import { NoResponse, type Received, type Sent } from './http.ts'
import type { Subject } from './subject.ts'

/** From where to look to what to write: shown one after the other. */
export type Hints = readonly [where: string, what: string, how: string]

export interface Check {
  /** Unique among all checks. `fixture/faults` has a fault of the same name, which only this check finds. */
  readonly id: string
  /** The statement that must be true of the server. */
  readonly title: string
  readonly hints: Hints
  /**
   * Rejects with a `Failure` if it is not true, with `Blocked` if something that other checks are about gets in the way, or
   * with `NotChecked` if the grader was not given what it needs.
   */
  run(subject: Subject): Promise<void>
}

export interface Stage {
  /** Two digits, in the order of the course. */
  readonly number: string
  /** With the number before it, the name of its file here and of its page in `docs/build-your-own`. */
  readonly slug: string
  readonly title: string
  readonly checks: readonly Check[]
  /** Uses up a budget of the server, so watch mode runs it only on request. */
  readonly isCostly?: true
}

/** The server did something else. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly expected: string
  /** The request whose response was wrong. */
  readonly sent: Sent
  /** The actual response, in a few words. */
  readonly actual: string
  /** True if no response came, because the server hangs or has stopped. */
  readonly isSilent: boolean

  constructor(expected: string, actual: string, sent: Sent, isSilent = false) {
    super(`expected ${expected}, got ${actual}`)
    this.expected = expected
    this.actual = actual
    this.sent = sent
    this.isSilent = isSilent
  }
}

/** Something that the check builds on does not work, so the check cannot be made. The message says what. */
export class Blocked extends Error {
  override readonly name = 'Blocked'
  readonly isSilent: boolean

  constructor(message: string, isSilent = false) {
    super(message)
    this.isSilent = isSilent
  }
}

/** Something that the grader was not given is needed. The message says what. */
export class NotChecked extends Error {
  override readonly name = 'NotChecked'
}

/** Takes a step that a check builds on. If the step fails, the check is blocked instead of failed. */
export async function need<Result>(goal: string, step: () => Promise<Result>): Promise<Result> {
  try {
    return await step()
  } catch (error) {
    const outcome = toOutcome(error)
    if (!(outcome instanceof Failure)) throw outcome
    const { sent, expected, actual, isSilent } = outcome
    const came = shorten(actual, 80)
    throw new Blocked(
      `This check needs ${goal}. ${sent.method} ${sent.path}: expected ${expected}, got ${came}`,
      isSilent,
    )
  }
}

/** Throws unless the response has one of these statuses. */
export function expectStatus(received: Received, ...statuses: number[]): Received {
  if (statuses.includes(received.status)) return received
  throw new Failure(`status ${listStatuses(statuses)}`, describe(received), received.sent)
}

/** Throws unless the condition is true. */
export function expectThat(condition: unknown, expected: string, received: Received): asserts condition {
  if (!condition) throw new Failure(expected, describe(received), received.sent)
}

/** Throws if the server failed. Any other response will do. */
export function expectNoServerError(received: Received): Received {
  if (received.status < 500) return received
  throw new Failure('any status below 500', describe(received), received.sent)
}

/** Returns the response in a few words: the status, and the start of the body. */
export function describe({ status, text }: Received): string {
  const start = text.slice(0, 5_000)
  // of a page, only what a browser shows
  const shown = start.startsWith('<') ? start.replace(/<(style|script).*?<\/\1>|<[^>]*>/gis, ' ') : start
  const body = maskSecrets(shown).replace(/\s+/g, ' ').trim()
  return body === '' ? `${status}, without a body` : `${status} ${shorten(body, 300)}`
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text
}

/** Messages show no password and no token: not even one of an account that was made for the check. */
export function maskSecrets(text: string): string {
  return text
    .replace(/("[^"]*(?:password|token|secret)[^"]*"\s*:\s*)"(?:[^"\\]|\\.){10,}"/gi, '$1"…"')
    .replace(/((?:^|&)[^=&\s"]*(?:password|token)[^=&\s"]*=)[^&]*/gi, '$1…')
    .replace(/\beyJ[\w.-]{10,}/g, 'eyJ…')
    .replace(/Tomatoes-7-[\w-]+/gi, '…')
}

/** Turns what a check threw into an outcome. */
export function toOutcome(error: unknown): Failure | Blocked | NotChecked {
  if (error instanceof Failure || error instanceof Blocked || error instanceof NotChecked) return error
  if (error instanceof NoResponse)
    return new Failure('a complete HTTP response', error.message, error.sent, true)
  throw error
}

function listStatuses(statuses: readonly number[]): string {
  const [last, ...others] = statuses.toReversed()
  return others.length === 0 ? String(last) : `${others.reverse().join(', ')} or ${last}`
}
