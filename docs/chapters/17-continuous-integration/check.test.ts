import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chapter, type Hints } from '../../check/chapter.ts'
import { expander, type Job, readWorkflow, runWorkflow, type Workflow } from './runner.ts'

const PROJECT = resolve(import.meta.dirname, 'project')

const HINTS = {
  noCheckout: [
    'A job starts on an empty machine. Which step copies your project to it?',
    'There’s an action for that. It checks out the commit under test.',
    'Add `- uses: actions/checkout@v4` as the first step.',
  ],
  wrongFolder: [
    'Which files are in the current folder after `actions/checkout`? See the task.',
    'The repository contains what’s inside `project/`, so the checkout has no folder with that name.',
    'Delete `working-directory`, or the `cd` command.',
  ],
  redWithoutReason: [
    'The message lists your steps and how each one ended. Which step failed first?',
    'Run its commands in a copy of `project/`. What do they print? Note that this check runs them without network access or services.',
    '`- uses: actions/checkout@v4`, `- run: npm ci`, `- run: npm test`',
  ],
  asksOnce: [
    'When your step checks Postgres, its container has only just started. Is Postgres ready?',
    'Keep checking until it’s ready, or have the service’s health check do that before the first step.',
    '`until pg_isready -h localhost; do sleep 1; done`, or `options: --health-cmd pg_isready` for the service.',
  ],
  noInstall: [
    'The project has no dependencies yet. What will happen to your workflow once it has one?',
    'Install the dependencies before you run the tests, and make the installation fail if the lockfile doesn’t match.',
    'Add `- run: npm ci` before `- run: npm test`.',
  ],
  otherBranch: [
    'Which branches do the filters under `push:` and `pull_request:` name? What else do they leave out?',
    'A push to main and a pull request to main must both start the workflow. A filter for `tags` excludes all branches.',
    'Use `push:` with `branches: [main]` under it, and `pull_request:` without a filter.',
  ],
  anyNode: [
    'Which version of Node runs your tests? Where does the file say so?',
    'Each machine comes with some version of Node, and later machines come with different ones. Choose the version yourself.',
    'Add `- uses: actions/setup-node@v4`, with `node-version: 22` under `with:`.',
  ],
  noService: [
    'Which part of the workflow starts Postgres?',
    'A job can have `services`: containers that run alongside its steps. This check looks for Postgres there.',
    'Add `services:`, and under it `postgres:` with `image: postgres:18`, `env`, `ports` and `options`.',
  ],
  otherJob: [
    'Each job has its own machine. Which one does Postgres run on, and which one do the tests run on?',
    'A service belongs to a single job. Put Postgres in the job that runs the tests.',
    'Move `services:` into the job that runs `npm test`, at the same level as its `steps:`.',
  ],
  fixedTime: [
    'How do you know that, on every machine, Postgres starts before your `sleep` ends?',
    'Don’t guess how long it takes. Keep asking Postgres whether it’s ready.',
    '`options: --health-cmd pg_isready`, or `until pg_isready -h localhost; do sleep 1; done` instead of the `sleep`.',
  ],
  noPassword: [
    'How does the container know which password to set for Postgres?',
    'The Postgres image refuses to start without a password.',
    'Add `env:` with `POSTGRES_PASSWORD: only-for-tests` below the service’s `image:`.',
  ],
  wrongAddress: [
    'Compare DATABASE_URL with the service, part by part: user, password, host, port and database.',
    'The user is `postgres` unless POSTGRES_USER is set, and the database has the same name as the user unless POSTGRES_DB is set. The host is `localhost`, or the service’s name if the job has a `container`.',
    '`DATABASE_URL: postgres://postgres:PASSWORD@localhost:5432/DATABASE`, under the job’s `env:`, and `ports: ["5432:5432"]` for the service.',
  ],
} as const satisfies Record<string, Hints>

await chapter(import.meta.url, async ({ file, check, expectation, atEnd }) => {
  const dir = await mkdtemp(join(tmpdir(), 'workflow-'))
  atEnd(() => rm(dir, { recursive: true }))
  const mark = join(dir, 'ran')
  let workflow: Workflow = {}

  /** Runs the workflow on a commit: the project with one change. */
  const runOn = async (change: (commit: string) => Promise<void>) => {
    const commit = await mkdtemp(join(dir, 'commit-'))
    await cp(PROJECT, commit, { recursive: true })
    await change(commit)
    return runWorkflow(workflow, commit)
  }
  /** Runs all commits at once, when the first of them is needed: most of the time goes by while npm starts. */
  const runAll = () => ({
    asItIs: runOn((commit) => addProbe(commit, mark)),
    withBug: runOn((commit) => writeFile(join(commit, 'slug.js'), 'export const slug = (title) => title\n')),
    withOtherLockfile: runOn(addDependency),
  })
  let running: ReturnType<typeof runAll> | undefined
  const runs = () => {
    running ??= runAll()
    return running
  }
  atEnd(() => Promise.allSettled(Object.values(running ?? {})))
  const jobs = () => Object.values(workflow.jobs ?? {})
  const steps = () => jobs().flatMap(({ steps }) => steps ?? [])

  await check(
    'not-a-workflow',
    'the file is valid YAML and has a job with steps',
    [
      'The message names the line. In YAML, the indentation defines what belongs together.',
      'A workflow has `jobs`; a job has a name, `runs-on` and a list of `steps`; a step has `run` or `uses`.',
      '`jobs:`, below it `test:`, below that `runs-on: ubuntu-latest` and `steps:`. Indent each level by two more spaces.',
    ],
    async () => {
      workflow = readWorkflow(await readFile(file('ci.yml'), 'utf8'))
      assert.ok(jobs().length > 0, 'The workflow has no jobs.')
      for (const [name, job] of Object.entries(workflow.jobs ?? {})) {
        assert.ok(job?.['runs-on'], `The job ${name} has no \`runs-on\`.`)
        assert.ok(Array.isArray(job.steps), `The job ${name} has no list of steps.`)
        for (const step of job.steps)
          assert.ok(
            (typeof step?.run === 'string') !== (typeof step?.uses === 'string'),
            `Each step of ${name} must have either \`run\` or \`uses\`, but not both.`,
          )
      }
    },
  )

  await check(
    'no-tests',
    'the workflow runs the tests and is green if they pass',
    [
      'Which commands do you type in a fresh checkout of the project to run its tests?',
      'Write the same commands as steps: check out the commit, install the dependencies and run the tests.',
      '`- uses: actions/checkout@v4`, `- run: npm ci`, `- run: npm test`',
    ],
    async () => {
      const { passed, log } = await runs().asItIs
      await expectation('no-checkout', HINTS.noCheckout, () =>
        assert.ok(
          steps().some(({ uses }) => uses?.startsWith('actions/checkout@')),
          'No step checks out the commit, so the machine has none of its files.',
        ),
      )
      const [, folder] =
        /the checkout has no folder (.+) \(working-directory\)|\bcd: (?:can't cd to )?(.+?)(?::|\))/
          .exec(log)
          ?.filter(Boolean) ?? []
      await expectation('wrong-folder', HINTS.wrongFolder, () =>
        assert.ok(
          passed || folder === undefined,
          `The checkout has no folder named ${folder}. It contains what’s inside project/, with package.json in the current folder.`,
        ),
      )
      await expectation('asks-once', HINTS.asksOnce, () =>
        assert.ok(
          passed || !/\b(pg_isready|psql|nc)\b[^\n]*: failed with 2/.test(log),
          'A step checks Postgres only once, while it’s still starting, and fails.',
        ),
      )
      await expectation('red-without-reason', HINTS.redWithoutReason, () =>
        assert.ok(
          passed,
          `The run is red, although the project’s tests pass: ${log.trim().replaceAll(/\s*\n\s*/g, '; ')}`,
        ),
      )
      assert.ok(existsSync(mark), 'The run is green, but no test ran.')
    },
  )

  await check(
    'hides-failures',
    'the workflow is red if a test fails',
    [
      'What is the exit code of the test step? What hides it from the job?',
      'Nothing may hide the tests’ exit code from the job: no `|| true`, no `continue-on-error`, no pipe into `tee`.',
      'Write `- run: npm test` and nothing else.',
    ],
    async () => {
      const { passed } = await runs().withBug
      assert.ok(!passed, 'slug.js has a bug and its test fails, but the run is green.')
    },
  )

  await check(
    'npm-install',
    'the workflow is red if the lockfile does not match package.json',
    [
      'Which versions of the dependencies does the run test: the committed ones, or today’s newest ones?',
      'One npm command installs only what the lockfile lists, and fails if the lockfile doesn’t match package.json.',
      'Use `npm ci` instead of `npm install`.',
    ],
    async () => {
      await expectation('no-install', HINTS.noInstall, () =>
        assert.ok(
          steps().some(({ run }) =>
            /\b(npm|yarn|pnpm)\b.*\b(c|ci|i|install|clean-install)\b/.test(run ?? ''),
          ),
          'No step installs the dependencies that package-lock.json lists.',
        ),
      )
      const { passed } = await runs().withOtherLockfile
      assert.ok(!passed, 'package-lock.json lacks a dependency, but the run is green.')
    },
  )

  await check(
    'not-asked',
    'the workflow runs on a push to main and on a pull request',
    [
      'When do you want to know about a bug: before the change reaches the main branch, or after?',
      'Run it for both events. A pull request is tested as if it were already merged. A push is tested as it is.',
      '`on: [push, pull_request]`, or both as keys under `on:`, with `branches: [main]` under `push:`.',
    ],
    async () => {
      const events = typeof workflow.on === 'string' ? [workflow.on] : (workflow.on ?? [])
      const filters = Array.isArray(events)
        ? Object.fromEntries(events.map((event) => [event, null]))
        : (events as Record<string, EventFilter | null>)
      for (const event of ['push', 'pull_request'])
        assert.ok(event in filters, `The workflow does not run on ${event}.`)
      await expectation('other-branch', HINTS.otherBranch, () => {
        assert.ok(isForMain(filters.push), 'The workflow does not run on a push to main.')
        assert.ok(isForMain(filters.pull_request), 'The workflow does not run on a pull request to main.')
      })
    },
  )

  await check(
    'floating',
    'a new major version is never used without a change to the file',
    [
      'Which of your steps always uses the newest version?',
      'Give each action a version after the `@`, and specify version numbers for Node and the Postgres image.',
      '`actions/setup-node@v4` with `node-version: 22`, and `image: postgres:18`.',
    ],
    async () => {
      for (const { uses } of steps())
        assert.ok(
          uses === undefined || uses.startsWith('./') || /@(v?\d[\w.-]*|[0-9a-f]{40})$/.test(uses),
          `The action ${uses} has no version.`,
        )
      for (const image of jobs().flatMap(readImages))
        assert.ok(/:v?\d|@sha256:/.test(image), `The image ${image} has no version.`)
      const nodes = jobs().flatMap(readNodeVersions)
      await expectation('any-node', HINTS.anyNode, () =>
        assert.ok(nodes.length > 0, 'The workflow does not specify a Node version.'),
      )
      for (const version of nodes)
        assert.ok(/^v?\d/.test(version), `The Node version is not a number: ${version || 'none'}.`)
    },
  )

  await check(
    'not-waited-for',
    'the tests start only when Postgres is ready, and DATABASE_URL contains its address',
    [
      'When the tests start, is Postgres running, is it ready, and does DATABASE_URL contain its address?',
      'Give the service an image, ports, and `options` with a health check. DATABASE_URL must contain the service’s password, database and port.',
      '`options: --health-cmd pg_isready --health-interval 5s --health-retries 10`',
    ],
    async () => {
      const found = Object.entries(workflow.jobs ?? {}).flatMap(([jobName, job]) =>
        Object.entries(job.services ?? {}).map(([name, service]) => ({ jobName, job, name, service })),
      )
      const postgres = found.filter(({ service }) => /postg|pgvector/.test(service.image ?? ''))
      await expectation('no-service', HINTS.noService, () =>
        assert.ok(postgres.length > 0, 'No job has Postgres among its `services`.'),
      )
      const { url: given, job: tested } = JSON.parse(await readFile(mark, 'utf8')) as Mark
      const [beside] = postgres.filter(({ jobName }) => jobName === tested)
      await expectation('other-job', HINTS.otherJob, () =>
        assert.ok(beside, `The tests run in the job ${tested}, but its \`services\` don’t include Postgres.`),
      )
      const { job, name, service } = beside as NonNullable<typeof beside>
      const isChecked = /--health-cmd\b.*(pg_isready|psql)/s.test(service.options ?? '')
      const isAwaited = job.steps?.some(({ run }) => /\b(pg_isready|psql|nc|dev\/tcp)\b/.test(run ?? ''))
      await expectation('fixed-time', HINTS.fixedTime, () =>
        assert.ok(
          isChecked || isAwaited || !job.steps?.some(({ run }) => /\bsleep\b/.test(run ?? '')),
          'A step sleeps for a fixed time and then assumes that Postgres is ready.',
        ),
      )
      assert.ok(
        isChecked || isAwaited,
        'The Postgres service has no `--health-cmd` in its `options`, and no step checks whether it is ready, so the tests may start before it accepts connections.',
      )
      await expectation('no-password', HINTS.noPassword, () =>
        assert.ok(
          service.env?.POSTGRES_PASSWORD || service.env?.POSTGRES_HOST_AUTH_METHOD === 'trust',
          'The Postgres service has no POSTGRES_PASSWORD. Without one, its container exits immediately.',
        ),
      )
      await expectation('wrong-address', HINTS.wrongAddress, () => {
        assert.ok(URL.canParse(given), 'DATABASE_URL is not set for the tests, or is not a URL.')
        const address = addressOf(job, name)
        const parts = partsOf(given)
        const isTrusting = service.env?.POSTGRES_HOST_AUTH_METHOD === 'trust'
        assert.deepEqual(
          isTrusting ? { ...parts, password: '' } : parts,
          isTrusting ? { ...address, password: '' } : address,
          'DATABASE_URL does not contain the address of the Postgres service.',
        )
      })
    },
  )
})

/** The environment that the tests have found. */
interface Mark {
  readonly url: string
  readonly job: string
}

/** Lets the project's test write a mark. */
async function addProbe(commit: string, mark: string): Promise<void> {
  const path = join(commit, 'slug.test.js')
  const probe = `import { writeFileSync } from 'node:fs'
    const { DATABASE_URL: url = '', GITHUB_JOB: job } = process.env
    writeFileSync(${JSON.stringify(mark)}, JSON.stringify({ url, job }))`
  await writeFile(path, `${await readFile(path, 'utf8')}\n${probe}\n`)
}

/** Adds a dependency to package.json that the lockfile does not have. */
async function addDependency(commit: string): Promise<void> {
  const path = join(commit, 'package.json')
  const wanted = {
    ...JSON.parse(await readFile(path, 'utf8')),
    dependencies: { words: 'file:./words' },
  }
  await writeFile(path, JSON.stringify(wanted))
  await mkdir(join(commit, 'words'))
  await writeFile(join(commit, 'words/package.json'), '{ "name": "words", "version": "1.0.0" }')
}

interface EventFilter {
  readonly branches?: string | readonly string[]
  readonly 'branches-ignore'?: string | readonly string[]
  readonly tags?: unknown
}

/** Returns true if an event with these filters starts the workflow for the branch main. */
function isForMain(filter: EventFilter | null | undefined): boolean {
  const { branches, 'branches-ignore': ignored = [], tags } = filter ?? {}
  if ([ignored].flat().some(matchesMain)) return false
  if (branches === undefined) return tags === undefined || [ignored].flat().length > 0
  return [branches].flat().some(matchesMain)
}

function matchesMain(pattern: string): boolean {
  const literal = pattern.replaceAll(/[.+?^${}()|\\]/g, '\\$&')
  return new RegExp(`^${literal.replaceAll(/\*+/g, '.*')}$`).test('main')
}

/** Returns the images of a job's container and services. */
function readImages(job: Job): string[] {
  const expand = expander(job)
  const images = Object.values(job.services ?? {}).map(({ image = '' }) => expand(image))
  const own = readContainer(job)
  return own === undefined ? images : [own, ...images]
}

function readContainer({ container }: Job): string | undefined {
  return typeof container === 'string' ? container : container?.image
}

/** Returns the versions of Node, those of a matrix one by one, and that of an image in which the steps run. */
function readNodeVersions(job: Job): string[] {
  const { steps = [], strategy } = job
  const [, own] = /(?:^|\/)node:(.+)$/.exec(readContainer(job) ?? '') ?? []
  const versions = steps
    .filter(({ uses }) => uses?.startsWith('actions/setup-node@'))
    .flatMap((step) => {
      const file = step.with?.['node-version-file']
      if (file) return [`the project specifies no version in ${file}`]
      const version = String(step.with?.['node-version'] ?? '')
      const [, name] = /^\$\{\{\s*matrix\.([\w-]+)\s*\}\}$/.exec(version) ?? []
      return name === undefined ? [version] : [strategy?.matrix?.[name]].flat().map(String)
    })
  return own === undefined ? versions : [own, ...versions]
}

/** Returns the address of a service for a job's steps: its name if they run in a container, otherwise the mapped port. */
function addressOf(job: Job, name: string) {
  const expand = expander(job)
  const { env = {}, ports = [] } = job.services?.[name] ?? {}
  const user = expand(env.POSTGRES_USER ?? 'postgres')
  const mapped = ports.map(String).find((port) => /(^|:)5432$/.test(port))
  return {
    host: job.container ? name : 'localhost',
    port: job.container ? '5432' : (mapped?.split(':')[0] ?? 'none: the service has no `ports`'),
    user,
    password: expand(env.POSTGRES_PASSWORD ?? ''),
    database: expand(env.POSTGRES_DB ?? user),
  }
}

function partsOf(url: string) {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: hostname === '127.0.0.1' ? 'localhost' : hostname,
    port: port || '5432',
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
  }
}
