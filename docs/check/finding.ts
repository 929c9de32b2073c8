import { relative, sep } from 'node:path'
import { inspect } from 'node:util'

export interface Finding {
  readonly finding: string
  readonly expected?: string
  readonly came?: string
  /** The place in the attempt, from the chapter's folder: `exercise/app.ts:12:5`. */
  readonly place?: string
}

export interface AttemptFolders {
  /** The chapter's folder, which also has files that are given to the learner. */
  readonly folder: string
  /** The folder of the files under check. */
  readonly files: string
}

/** Describes why a check failed: an assertion has its own message, and any other error came from the attempt. */
export function describeFailure(error: unknown, attempt: AttemptFolders): Finding {
  if (!(error instanceof Error) || error.name !== 'AssertionError') return describeThrown(error, attempt)
  const { message, generatedMessage, operator, expected, actual } = error as Error & Record<string, unknown>
  // Node adds both values to the message. A condition that is false has no values worth showing.
  const hasValues = operator !== '==' && (expected !== undefined || actual !== undefined)
  return {
    finding: generatedMessage ? 'The result is not the expected one.' : message.replace(/\n.*/s, ''),
    ...(hasValues && { expected: inspect(expected, SHORT), came: inspect(actual, SHORT) }),
  }
}

const SHORT = { depth: 4, breakLength: 100, maxStringLength: 400 }

/** Describes an error that the attempt threw, and where in the attempt it came from. */
export function describeThrown(error: unknown, attempt: AttemptFolders): Finding {
  if (!(error instanceof Error))
    return { finding: `The code threw ${inspect(error, SHORT)}, which is not an Error.` }
  const place = findPlace(error, attempt)
  // esbuild reports a syntax error below a headline, with the absolute path.
  const [, syntaxError] = /^Transform failed.*?\n.*?:\d+:\d+: ERROR: (.*?)(?:\n|$)/.exec(error.message) ?? []
  const text = syntaxError ? `Syntax error: ${syntaxError}` : `${error.name}: ${error.message}`
  return {
    finding: `${text.replaceAll(`${attempt.folder}${sep}`, '')}${place ? ` (${withoutColumn(place)})` : ''}`,
    ...(place && { place }),
  }
}

const withoutColumn = (place: string) => place.replace(/(:\d+):\d+$/, '$1')

/** Finds the first place in the attempt that the error names: in its message, in esbuild's lines or in the stack. */
function findPlace(error: Error, { folder, files }: AttemptFolders): string | undefined {
  for (const line of withSlashes(error.stack ?? '').split('\n')) {
    if (line.includes('/check.test.ts:') || line.includes('/node_modules/')) continue
    const [, path, row, column] = /((?:\b[A-Za-z]:)?\/[^():]+\.\w+):(\d+)(?::(\d+))?/.exec(line) ?? []
    if (![folder, files].some((one) => path?.startsWith(`${withSlashes(one)}/`))) continue
    // esbuild counts columns from 0, V8 from 1.
    const place = column && Number(column) + (line.includes(': ERROR: ') ? 1 : 0)
    return [withSlashes(relative(folder, path ?? '')), row, place].filter(Boolean).join(':')
  }
  return undefined
}

/** Windows accepts both kinds of slashes, and Node prints the other one. */
const withSlashes = (path: string) => path.replaceAll(sep, '/')
