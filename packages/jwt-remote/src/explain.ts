import {
  type ClaimsSchema,
  type Explanation,
  explainToken,
  JwtKitError,
  type Verdict,
} from '@auth-primer/jwt-kit'
import { JwtRemoteError } from './errors.ts'

/** The context that an explanation needs. */
interface Explainer {
  readonly verify: (token: string) => Promise<unknown>
  readonly schema: ClaimsSchema
  readonly now: () => number
}

/** Explains a token as jwt-kit does, with the verdict of this package and the descriptions of the schema. */
export async function explainRemote(token: string, { verify, schema, now }: Explainer): Promise<Explanation> {
  const explained = explainToken(token, { now })
  const verdict = await verify(token).then(
    () => ({ accepted: true, reason: 'It is a valid token of the provider' }),
    verdictFor,
  )
  const lines = explained.text.slice(0, explained.text.lastIndexOf('VERDICT:')).split('\n')
  const claims = explained.claims.map((claim) => {
    const meaning = claim.part === 'payload' ? describe(schema, claim.name) : undefined
    if (meaning === undefined) return claim
    const start = `  ${/^\w+$/.test(claim.name) ? claim.name : JSON.stringify(claim.name)} = `
    const at = lines.findLastIndex((line) => line.startsWith(start))
    const line = lines[at]
    if (line?.endsWith(`  ${claim.meaning}`)) lines[at] = line.slice(0, -claim.meaning.length) + meaning
    return { ...claim, meaning }
  })
  const text = lines.join('\n') + renderVerdict(verdict)
  return { ...explained, text, claims, verdict }
}

function describe({ properties }: ClaimsSchema, name: string): string | undefined {
  const part = Object.hasOwn(properties, name) ? properties[name] : undefined
  return (part as { description?: string } | undefined)?.description
}

function verdictFor(problem: unknown): Verdict {
  if (problem instanceof JwtRemoteError)
    return { accepted: undefined, reason: problem.message, hint: problem.hint }
  if (!(problem instanceof JwtKitError)) throw problem
  const { code, message: reason, hint, part, claim } = problem
  return { accepted: false, code, reason, hint, ...(part && { part }), ...(claim && { claim }) }
}

function renderVerdict({ accepted, reason, hint, code, claim }: Verdict): string {
  const word = accepted === undefined ? 'not known' : accepted ? 'accepted' : 'refused'
  const where = [code, claim].filter((item) => item !== undefined).join(', ')
  return `VERDICT: ${word}. ${reason}${where && ` (${where})`}.${hint === undefined ? '' : ` ${hint}`}`
}
