import type { Outcome } from './outcome.ts'

/** A post that a client sent until it was no longer rejected, and its outcome. */
export interface Attempted {
  readonly title: string
  readonly content: string
  readonly last: Exclude<Outcome, { kind: 'refused' }>
}

/** A post in the database. */
export interface Stored {
  readonly id: number
  readonly title: string
  readonly content: string
}

export interface Verdict {
  readonly acknowledged: number
  /** Posts with an unknown outcome, by the response or error, and how many of those are in the database. */
  readonly unknown: ReadonlyMap<string, { readonly posts: number; readonly stored: number }>
  /** One line for each violation. */
  readonly violations: readonly string[]
}

/** Compares the responses that the clients got with the rows in the database. */
export function judge(attempted: readonly Attempted[], stored: readonly Stored[]): Verdict {
  const byTitle = new Map<string, Stored[]>()
  for (const row of stored) byTitle.set(row.title, [...(byTitle.get(row.title) ?? []), row])
  const unknown = new Map<string, { posts: number; stored: number }>()
  const violations: string[] = []
  let acknowledged = 0

  for (const { title, content, last } of attempted) {
    const rows = byTitle.get(title) ?? []
    byTitle.delete(title)
    if (rows.length > 1) violations.push(`${title}: there ${rows.length} times`)
    if (rows.some((row) => row.content !== content)) violations.push(`${title}: stored with another content`)
    if (last.kind === 'fault') violations.push(`${title}: ${last.how}`)
    if (last.kind === 'unknown') {
      const { posts = 0, stored: found = 0 } = unknown.get(last.how) ?? {}
      unknown.set(last.how, { posts: posts + 1, stored: found + rows.length })
    }
    if (last.kind === 'acknowledged') {
      acknowledged += 1
      if (rows.length === 0) violations.push(`${title}: acknowledged, and lost`)
      else if (!rows.some(({ id }) => id === last.id)) {
        violations.push(`${title}: acknowledged with id ${last.id}, and has id ${rows.map(({ id }) => id)}`)
      }
    }
  }
  for (const title of byTitle.keys()) violations.push(`${title}: stored, although it was refused`)
  return { acknowledged, unknown, violations }
}
