import type { Operation } from '../../../test-support/document.ts'

/** The bodies of operations that would not succeed twice with the document's example. */
const SAMPLES: Record<string, (n: number, example: object) => object> = {
  'POST /users': (n, example) => ({ ...example, email: `trace-${n}@example.com` }),
  'POST /vote': (n, example) => ({ ...example, dir: n % 2 }),
}

export interface Body {
  readonly type: string
  readonly text: string
}

/** Returns the body of the n-th request, made from the document's example. */
export function createBody({ name, requestBody }: Operation, n: number): Body | undefined {
  const [[type = '', media] = []] = Object.entries(requestBody?.content ?? {})
  if (media === undefined) return undefined
  const example = (media.example ?? Object.values(media.examples ?? {})[0]?.value ?? {}) as object
  const value = SAMPLES[name]?.(n, example) ?? example
  const isForm = type === 'application/x-www-form-urlencoded'
  return {
    type,
    text: isForm ? new URLSearchParams(Object.entries(value)).toString() : JSON.stringify(value),
  }
}
