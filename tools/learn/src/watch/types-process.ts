import { statSync } from 'node:fs'
import os from 'node:os'
import { resolve } from 'node:path'
import ts from 'typescript'
import { CHECKOUT } from '../chapters.ts'
import type { TypeProblem } from './types.ts'

// The checks have priority.
os.setPriority(10)

const { config } = ts.readConfigFile(resolve(CHECKOUT, 'tsconfig.dev.json'), ts.sys.readFile)
const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, CHECKOUT)
let roots: readonly string[] = []

const service = ts.createLanguageService({
  getCompilationSettings: () => ({ ...options, composite: false, declaration: false, incremental: false }),
  getScriptFileNames: () => [...roots],
  getScriptVersion: (path) => String(statSync(path, { throwIfNoEntry: false })?.mtimeMs),
  getScriptSnapshot: (path) => {
    const text = ts.sys.readFile(path)
    return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
  },
  getCurrentDirectory: () => CHECKOUT,
  getDefaultLibFileName: ts.getDefaultLibFilePath,
  fileExists: ts.sys.fileExists,
  readFile: ts.sys.readFile,
  readDirectory: ts.sys.readDirectory,
  directoryExists: ts.sys.directoryExists,
  getDirectories: ts.sys.getDirectories,
  ...(ts.sys.realpath && { realpath: ts.sys.realpath }),
})

function readProblems(path: string): TypeProblem[] {
  const syntactic = service.getSyntacticDiagnostics(path)
  const all = syntactic.length > 0 ? syntactic : service.getSemanticDiagnostics(path)
  return all.map(({ file, start = 0, messageText }) => {
    const { line, character } = file?.getLineAndCharacterOfPosition(start) ?? { line: 0, character: 0 }
    const message = ts.flattenDiagnosticMessageText(messageText, '\n')
    return { path, line: line + 1, column: character + 1, message }
  })
}

process.on('message', ({ request, paths }: { request: number; paths: readonly string[] }) => {
  roots = paths.filter((path) => path.endsWith('.ts') && ts.sys.fileExists(path))
  process.send?.({ request, problems: roots.flatMap(readProblems) })
})
process.on('disconnect', () => process.exit())
