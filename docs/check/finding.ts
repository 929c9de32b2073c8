import { relative } from 'node:path'
import { inspect } from 'node:util'

export interface Finding {
  readonly finding: string
  readonly expected?: string
  readonly came?: string
  /** Where in the attempt, from the chapter's folder: `exercise/app.ts:12:5`. */
  readonly place?: string
}

export interface Attempt {
  /** Of the chapter, with what is given in it. */
  readonly folder: string
  /** Of the files under check. */
  readonly files: string
}

/** An assertion's own message says what was looked at; anything else that was thrown came from the attempt. */
export function findingOf(error: unknown, attempt: Attempt): Finding {
  if (!(error instanceof Error) || error.name !== 'AssertionError') return thrownOf(error, attempt)
  const { message, generatedMessage, operator, expected, actual } = error as Error & Record<string, unknown>
  return {
    // Node adds the two values to the message; that something is not true needs no values.
    finding: generatedMessage ? 'It came out differently.' : message.replace(/\n.*/s, ''),
    ...(operator === '==' || (expected === undefined && actual === undefined)
      ? {}
      : { expected: inspect(expected, SHORT), came: inspect(actual, SHORT) }),
  }
}

const SHORT = { depth: 4, breakLength: 100, maxStringLength: 400 }

/** What was thrown, and where in the attempt. */
export function thrownOf(error: unknown, attempt: Attempt): Finding {
  if (!(error instanceof Error)) return { finding: `${inspect(error, SHORT)} was thrown, which is no Error` }
  const place = placeOf(error, attempt)
  // What cannot be read as TypeScript is told by esbuild, below a headline and with the whole path.
  const [, wrong] = /^Transform failed.*?\n.*?:\d+:\d+: ERROR: (.*?)(?:\n|$)/.exec(error.message) ?? []
  const text = wrong ? `Syntax error: ${wrong}` : `${error.name}: ${error.message}`
  return {
    finding: `${text.replaceAll(`${attempt.folder}/`, '')}${place ? ` (${shortened(place)})` : ''}`,
    ...(place && { place }),
  }
}

/** Without the column, which few readers count. */
const shortened = (place: string) => place.replace(/(:\d+):\d+$/, '$1')

/** The first place of the attempt that the error names: in its message, above its stack, or in it. */
function placeOf(error: Error, { folder, files }: Attempt): string | undefined {
  for (const line of (error.stack ?? '').split('\n')) {
    if (line.includes('/check.test.ts:') || line.includes('/node_modules/')) continue
    const [, path, row, column] = /(\/[^():]+\.\w+):(\d+)(?::(\d+))?/.exec(line) ?? []
    if (!path?.startsWith(`${folder}/`) && !path?.startsWith(`${files}/`)) continue
    // esbuild counts columns from 0, V8 from 1.
    const place = column && Number(column) + (line.includes(': ERROR: ') ? 1 : 0)
    return [relative(folder, path), row, place].filter(Boolean).join(':')
  }
  return undefined
}
