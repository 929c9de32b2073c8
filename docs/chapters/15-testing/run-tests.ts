import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

export interface TestRun {
  readonly app: string
  readonly passed: boolean
  /** The tests that ran, without those that were skipped. */
  readonly tests: readonly { name: string; nesting: number; passed: boolean }[]
  /** Why the file cannot be run. */
  readonly error: string
  /** False for the last app if the process had to be ended, because an app was not closed. */
  readonly closed: boolean
}

interface Options {
  /** The apps under test. */
  readonly apps: readonly string[]
  /** The process starts at once, and loads what the apps need until it gets this. */
  readonly databaseUrl: string | Promise<string>
  /** The names of the tests to run. If empty, all run. */
  readonly only?: readonly string[]
}

/** Limits the run of a file of tests. A longer one waits for something that never comes. */
const TIMEOUT_MS = 20_000
/** Limits how long the process goes on after the last test. */
const CLOSE_TIMEOUT_MS = 2_000

export interface RunningTests {
  /** The next app waits until it is asked for. */
  readonly runs: AsyncGenerator<TestRun, void>
  /** Ends the process, even while a run is awaited. */
  end(): void
}

/** Runs a file of tests against one app after the other, in one separate process. */
export function runTests(file: string, { apps, databaseUrl, only = [] }: Options): RunningTests {
  // On Windows, Node expects a URL here.
  const reporter = import.meta.resolve('./reporter.ts')
  const patterns = only.map((name) => `--test-name-pattern=^${literal(name)}$`)
  const runAll = resolve(import.meta.dirname, 'run-all.ts')
  const { NODE_OPTIONS, NODE_TEST_CONTEXT, DATABASE_URL, ...env } = process.env
  const child = spawn(
    process.execPath,
    [
      ...[
        '--import',
        'tsx',
        `--test-reporter=${reporter}`,
        '--test-reporter-destination=stdout',
        ...patterns,
      ],
      ...[runAll, file, ...apps],
    ],
    { cwd: import.meta.dirname, env },
  )
  // The process may end before it receives the message.
  child.stdin.on('error', () => {})
  void Promise.resolve(databaseUrl).then(
    (url) => child.stdin.write(`${url}\n`),
    () => child.kill(),
  )
  return { runs: readRuns(child, apps), end: () => void child.kill('SIGKILL') }
}

async function* readRuns(
  child: ChildProcessWithoutNullStreams,
  apps: readonly string[],
): AsyncGenerator<TestRun, void> {
  const ended = once(child, 'close')
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const kill = () => child.kill('SIGKILL')
  let timeout = setTimeout(kill, TIMEOUT_MS)
  let tests: TestRun['tests'][number][] = []
  let last: TestRun | undefined
  const left = [...apps]

  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('{"name"')) tests.push(JSON.parse(line))
      if (!line.startsWith('{"app"')) continue
      const { app, passed, error = errors } = JSON.parse(line)
      const run = { app, passed, tests, error, closed: true }
      tests = []
      left.shift()
      if (left.length === 0) {
        last = run
        clearTimeout(timeout)
        timeout = setTimeout(kill, CLOSE_TIMEOUT_MS)
      } else {
        yield run
        child.stdin.write('\n')
      }
    }
    const [code, signal] = await ended
    if (last) yield { ...last, closed: signal === null }
    const error = signal ? `The tests did not end within ${TIMEOUT_MS / 1000} s.` : errors
    for (const app of left) yield { app, passed: code === 0, tests, error, closed: signal === null }
  } finally {
    clearTimeout(timeout)
    kill()
  }
}

const literal = (name: string) => name.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
