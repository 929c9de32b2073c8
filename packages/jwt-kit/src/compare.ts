import { isDeepStrictEqual } from 'node:util'
import type { ExplainedPart } from './parts.ts'

/** A difference between a token and the original. */
export interface Change {
  /** The part that is different. */
  readonly part: ExplainedPart['name']
  /** The claim, or the member of the header; nothing where the part as a whole is different. */
  readonly claim?: string
  /** What it was; undefined where it was not there. */
  readonly was?: unknown
  /** What it is; undefined where it is gone. */
  readonly is?: unknown
}

/** What is different in a token's parts from those of the original: claim by claim where both can be read. */
export function compareParts(
  parts: readonly ExplainedPart[],
  originals: readonly ExplainedPart[],
  token: string,
  original: string,
): Change[] {
  return (['header', 'payload', 'signature'] as const).flatMap((name) => {
    const part = parts.find((candidate) => candidate.name === name)
    const before = originals.find((candidate) => candidate.name === name)
    if (textOf(token, part) === textOf(original, before)) return []
    const members = part?.value && before?.value ? compareMembers(name, part.value, before.value) : []
    // The same members in another spelling are another part all the same: the signature is over the spelling.
    return members.length > 0 ? members : [{ part: name }]
  })
}

function textOf(token: string, part: ExplainedPart | undefined): string | undefined {
  return part && token.slice(part.start, part.end)
}

function compareMembers(
  part: ExplainedPart['name'],
  is: Readonly<Record<string, unknown>>,
  was: typeof is,
): Change[] {
  const names = new Set([...Object.keys(was), ...Object.keys(is)])
  return [...names]
    .map((claim) => ({ part, claim, was: own(was, claim), is: own(is, claim) }))
    .filter((change) => !isDeepStrictEqual(change.is, change.was))
}

function own(members: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined
}
