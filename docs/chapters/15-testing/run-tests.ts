import { execFile } from 'node:child_process'
import { resolve } from 'node:path'

export interface TestRun {
  readonly passed: boolean
  /** The tests that ran, without those that were skipped. */
  readonly tests: readonly { name: string; nesting: number; passed: boolean }[]
  /** The output on standard error, such as why the file cannot be run. */
  readonly errors: string
}

interface Options {
  /** The app under test. */
  readonly app: string
  readonly databaseUrl: string
  /** The names of the tests to run. If empty, all run. */
  readonly only?: readonly string[]
}

/** Limits the run of a file of tests. A longer one does not end, usually because the app is not closed. */
const TIMEOUT_MS = 20_000

/** Runs a file of tests against an app, in a separate process. */
export function runTests(file: string, { app, databaseUrl, only = [] }: Options): Promise<TestRun> {
  const reporter = resolve(import.meta.dirname, 'reporter.ts')
  const args = ['--import', 'tsx', `--test-reporter=${reporter}`, '--test-reporter-destination=stdout']
  for (const name of only) args.push(`--test-name-pattern=^${literal(name)}$`)
  const { NODE_OPTIONS, NODE_TEST_CONTEXT, ...env } = process.env
  const options = {
    cwd: import.meta.dirname,
    env: { ...env, APP: app, DATABASE_URL: databaseUrl },
    timeout: TIMEOUT_MS,
  }
  return new Promise((done) => {
    execFile(process.execPath, [...args, file], options, (error, stdout, errors) => {
      const tests = stdout
        .split('\n')
        .filter((line) => line.startsWith('{"name"'))
        .map((line) => JSON.parse(line))
      const hint = error?.killed
        ? `The tests did not end within ${TIMEOUT_MS / 1000} s. Is the app closed in \`after\`?\n`
        : ''
      done({ passed: error === null, tests, errors: hint + errors })
    })
  })
}

const literal = (name: string) => name.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
