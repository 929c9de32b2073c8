/** Consumers of the packages: projects outside of this repository that install the tarballs. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { env as npmEnv, pack } from '../.ci/pack.js'
import { CHECKOUT, type Scope } from './process.ts'

export interface Outcome {
  readonly exitCode: unknown
  readonly out: string
  readonly err: string
}

// Not covered by tap. Express prints the errors that it responds to, unless this is a test.
export const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(npmEnv).filter(([name]) => !/^_?TAP/.test(name))),
  NODE_ENV: 'test',
}

/** Runs a command to its end. */
export function runToEnd(cwd: string, command: string, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env, maxBuffer: 2 ** 26 }, (error, out, err) =>
      resolve({ exitCode: error?.code ?? 0, out, err }),
    )
  })
}

/** Runs Node, to its end. */
export const node = (cwd: string, ...args: string[]) => runToEnd(cwd, process.execPath, ...args)

/** Runs this repository's compiler with the options of a text. */
export const tsc = (cwd: string, options: string) =>
  runToEnd(cwd, process.execPath, join(CHECKOUT, 'node_modules/typescript/bin/tsc'), ...options.split(' '))

const INSTALL = 'install --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error'.split(' ')

export interface Consumers {
  /** The temporary folder of the projects. */
  readonly folder: string
  /** Makes a project and returns its folder. */
  create(name: string, files: Readonly<Record<string, string>>): string
  /** Installs the tarballs and other packages into a project. */
  install(project: string, ...packages: string[]): Promise<Outcome>
}

/**
 * Packs packages as they are published. The projects are outside of this repository, whose node_modules would hide a
 * dependency that a package forgot.
 */
export function packFor(scope: Scope, ...names: string[]): Consumers {
  const folder = mkdtempSync(join(tmpdir(), 'auth-primer-consumers-'))
  scope.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const tarballs = names.map((name): string => pack(join(CHECKOUT, 'packages', name), folder).tarball)
  return {
    folder,
    create(name, files) {
      const project = join(folder, name)
      for (const [file, text] of Object.entries({ 'package.json': '{ "private": true }', ...files })) {
        mkdirSync(dirname(join(project, file)), { recursive: true })
        writeFileSync(join(project, file), text)
      }
      return project
    },
    install: (project, ...packages) => runToEnd(project, 'npm', ...INSTALL, ...tarballs, ...packages),
  }
}
