// Builds what `npm start` runs, like `npm run build`, but prints that only if there is something to build.
import { resolve } from 'node:path'
import ts from 'typescript'

const formatting = {
  getCurrentDirectory: () => process.cwd(),
  getCanonicalFileName: (name) => name,
  getNewLine: () => '\n',
}
const format = process.stdout.hasColors?.() ? ts.formatDiagnosticsWithColorAndContext : ts.formatDiagnostics

let isBuilding = false

const host = ts.createSolutionBuilderHost(
  ts.sys,
  undefined,
  (diagnostic) => void process.stdout.write(format([diagnostic], formatting)),
  ({ messageText }) => {
    if (isBuilding || !String(messageText).startsWith('Building project')) return
    isBuilding = true
    console.log('Building the service, which takes about half a minute the first time…')
  },
)
const folder = resolve(import.meta.dirname, '../../examples/social-api')
process.exitCode = ts.createSolutionBuilder(host, [folder], { verbose: true }).build()
