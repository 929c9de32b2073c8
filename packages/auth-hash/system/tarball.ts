/** The package as others get it: packed, and installed into projects outside of this repository. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

export const packageDir = fileURLToPath(new URL('..', import.meta.url))
export const bin = fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url))
export const tsc = join(bin, 'tsc')

/** npm's own variables would make an npm inside a test act on this repository. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
delete env.NODE_OPTIONS

interface Outcome {
  readonly exitCode: unknown
  readonly out: string
  readonly err: string
}

export function run(cwd: string, command: string, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env }, (error, out, err) =>
      resolve({ exitCode: error?.code ?? 0, out, err }),
    )
  })
}

export const node = (cwd: string, ...args: string[]) => run(cwd, process.execPath, ...args)

export const install = [
  'install',
  '--prefer-offline',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
]
// Outside this repository, whose own node_modules would make up for a dependency that the package forgot.
export const dir = mkdtempSync(join(tmpdir(), 'auth-hash-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))

export function project(name: string, files: Record<string, string>): string {
  const folder = join(dir, name)
  mkdirSync(folder)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  return folder
}

await run(packageDir, process.execPath, tsc, '-b')
const packed = await run(packageDir, 'npm', 'pack', '--json', '--loglevel=error', '--pack-destination', dir)
const [{ filename }] = JSON.parse(packed.out) as [{ filename: string }]
export const tarball = join(dir, basename(filename))
