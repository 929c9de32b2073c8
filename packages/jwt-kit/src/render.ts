import type { Change } from './compare.ts'
import type { ExplainedClaim, Explanation } from './explain.ts'
import type { ExplainedPart } from './parts.ts'
import { printable } from './words.ts'

/** An explanation as text. */
export function render(explained: Omit<Explanation, 'text'>, compared: boolean): string {
  const { parts, claims, verdict, changes, note } = explained
  const lines = parts.flatMap((part) => [...renderPart(part, claims), ''])
  lines.push(note, '')
  if (compared) lines.push(...renderChanges(changes), '')
  lines.push(renderVerdict(verdict))
  return lines.join('\n')
}

function renderPart(part: ExplainedPart, claims: readonly ExplainedClaim[]): string[] {
  const title = `${part.name.toUpperCase()} (characters ${part.start} to ${part.end}): ${part.meaning}`
  if (part.problem !== undefined) return [title, `  The ${part.name} ${part.problem}.`]
  if (part.name === 'signature') return [title, `  ${part.bytes} bytes`]
  const rows = claims.filter((claim) => claim.part === part.name)
  return [title, ...rows.map(renderClaim)]
}

function renderClaim({ name, value, meaning, words }: ExplainedClaim): string {
  const said = words === undefined ? meaning : `${meaning}: ${words}`
  return `  ${nameOf(name)} = ${printable(value)}  ${said}`
}

// A name that is a word needs no quotes.
function nameOf(name: string): string {
  return /^\w+$/.test(name) ? name : printable(name)
}

function renderChanges(changes: readonly Change[]): string[] {
  if (changes.length === 0) return ['Compared to the original: not a character was changed.']
  return ['Compared to the original:', ...changes.map(renderChange)]
}

function renderChange({ part, claim, was, is }: Change): string {
  if (claim === undefined) return `  the ${part} was changed`
  const name = `  ${nameOf(claim)} in the ${part}`
  if (was === undefined) return `${name} was added: ${printable(is)}`
  if (is === undefined) return `${name} was removed; it was ${printable(was)}`
  return `${name} was changed from ${printable(was)} to ${printable(is)}`
}

function renderVerdict({ accepted, reason, hint, code, claim }: Explanation['verdict']): string {
  const word =
    accepted === undefined ? 'VERDICT: not known' : accepted ? 'VERDICT: accepted' : 'VERDICT: refused'
  const where = [code, claim].filter((item) => item !== undefined).join(', ')
  return `${word}. ${reason}${where && ` (${where})`}.${hint === undefined ? '' : ` ${hint}`}`
}
