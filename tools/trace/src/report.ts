import type { Trace, TracedFile } from './trace.ts'

/** The groups in which files are listed, by the beginnings of their paths. */
const GROUPS: [title: string, prefix: string][] = [
  ['The example', 'examples/'],
  ['The packages', 'packages/'],
  ['Everything else', ''],
]

/** Lists the files by group. Each has its position in the order of first execution, and the number of its functions that ran. */
export function report(method: string, path: string, { status, files }: Trace): string {
  const groups = GROUPS.map(([title, prefix]) => {
    const isFirstMatch = ({ path }: TracedFile) =>
      GROUPS.find(([, one]) => path.startsWith(one))?.[1] === prefix
    const members = [...files.entries()].filter(([, file]) => isFirstMatch(file))
    const lines = members.map(
      ([index, { path, functions }]) =>
        `${String(index + 1).padStart(4)}  ${path.padEnd(60)} ${String(functions.length).padStart(3)}`,
    )
    return { heading: `${title}: ${formatCount(members.map(([, file]) => file))}`, lines }
  })
  return [
    `${method} ${path}: ${status}, ${formatCount(files)}`,
    ...groups.flatMap(({ heading, lines }) => (lines.length > 0 ? ['', heading, ...lines] : [])),
  ].join('\n')
}

function formatCount(files: readonly TracedFile[]): string {
  const functions = files.reduce((sum, file) => sum + file.functions.length, 0)
  return `${files.length} files, ${functions} functions`
}
