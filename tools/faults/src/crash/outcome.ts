import { type HttpResponse, NoResponse } from '../http.ts'

/** The parts that were down while a request was in progress. */
export interface Outages {
  /** The service was killed, or not running. */
  readonly serviceDown: boolean
  /** Postgres was stopped, or not running. */
  readonly databaseDown: boolean
}

/** The outcome of a post, as far as the client can determine it. */
export type Outcome =
  /** Committed, by the response. */
  | { readonly kind: 'acknowledged'; readonly id: number }
  /** Unknown: it may be committed or not. */
  | { readonly kind: 'unknown'; readonly how: string }
  /** Not committed, by the response: the post may be sent again. */
  | { readonly kind: 'refused'; readonly how: string }
  /** Must never happen, with or without a crash. */
  | { readonly kind: 'fault'; readonly how: string }

/**
 * Interprets a post's response, or the lack of one. It is a fault if no outage explains it.
 *
 * @param undeclared - the parts of the response that the document does not declare
 */
export function interpretOutcome(
  result: HttpResponse | NoResponse,
  title: string,
  outages: Outages,
  undeclared: string | undefined,
): Outcome {
  if (result instanceof NoResponse) return interpretNoResponse(result, outages)
  if (undeclared !== undefined) return createFault(`${result.status}: ${undeclared}`)
  const body = JSON.parse(result.text)
  if (result.status === 201) {
    return body.title === title
      ? { kind: 'acknowledged', id: body.id }
      : createFault(`201 for another post: ${body.title}`)
  }
  const how = `${result.status} ${body.code}`
  if (how === '503 OVERLOADED') return { kind: 'refused', how }
  if (outages.databaseDown && how === '503 DATABASE_UNAVAILABLE') return { kind: 'refused', how }
  if (outages.databaseDown && how === '503 COMMIT_OUTCOME_UNKNOWN') return { kind: 'unknown', how }
  return createFault(`${how} ${outages.databaseDown ? 'while Postgres was restarted' : 'without a cause'}`)
}

function interpretNoResponse({ how }: NoResponse, { serviceDown }: Outages): Outcome {
  if (how === 'late') return createFault('no response in time')
  if (how === 'cut') return createFault('half a response')
  const words = how === 'refused' ? 'connection refused' : 'connection lost'
  if (!serviceDown) return createFault(`${words} while the service was up`)
  return { kind: how === 'refused' ? 'refused' : 'unknown', how: words }
}

function createFault(how: string): Outcome {
  return { kind: 'fault', how }
}
