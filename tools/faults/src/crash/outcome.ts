import { type Answer, NoAnswer } from '../http.ts'

/** What was up while a request was under way. */
export interface Weather {
  /** The service was killed, or was not there. */
  readonly serviceDown: boolean
  /** Postgres was stopped, or was not there. */
  readonly databaseDown: boolean
}

/** What a client knows after it has tried to post. */
export type Outcome =
  /** Told that it is stored. */
  | { readonly kind: 'acknowledged'; readonly id: number }
  /** Nobody can tell. */
  | { readonly kind: 'unknown'; readonly how: string }
  /** Told that it is not stored: it may be tried again. */
  | { readonly kind: 'refused'; readonly how: string }
  /** What must not happen, crash or no crash. */
  | { readonly kind: 'fault'; readonly how: string }

/**
 * What a post's answer, or the lack of one, means; a fault where nothing that went on explains it.
 *
 * @param undeclared - what of the answer the document does not declare
 */
export function outcomeOf(
  result: Answer | NoAnswer,
  title: string,
  weather: Weather,
  undeclared: string | undefined,
): Outcome {
  if (result instanceof NoAnswer) return ofNoAnswer(result, weather)
  if (undeclared !== undefined) return fault(`${result.status}: ${undeclared}`)
  const body = JSON.parse(result.text)
  if (result.status === 201) {
    return body.title === title
      ? { kind: 'acknowledged', id: body.id }
      : fault(`201 for another post: ${body.title}`)
  }
  const how = `${result.status} ${body.code}`
  if (how === '503 OVERLOADED') return { kind: 'refused', how }
  if (weather.databaseDown && how === '503 DATABASE_UNAVAILABLE') return { kind: 'refused', how }
  if (weather.databaseDown && how === '503 COMMIT_OUTCOME_UNKNOWN') return { kind: 'unknown', how }
  return fault(`${how} ${weather.databaseDown ? 'while Postgres was restarted' : 'without a cause'}`)
}

function ofNoAnswer({ how }: NoAnswer, { serviceDown }: Weather): Outcome {
  if (how === 'late') return fault('no answer in time')
  if (how === 'cut') return fault('half an answer')
  const words = how === 'refused' ? 'connection refused' : 'connection lost'
  if (!serviceDown) return fault(`${words} while the service was up`)
  return { kind: how === 'refused' ? 'refused' : 'unknown', how: words }
}

function fault(how: string): Outcome {
  return { kind: 'fault', how }
}
