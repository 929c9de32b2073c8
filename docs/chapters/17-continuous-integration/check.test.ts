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
    'A job starts on an empty machine. Which step brings your project onto it?',
    'An action does that: it gets the commit that is tested.',
    '`- uses: actions/checkout@v4`, as the first step.',
  ],
  wrongFolder: [
    'Which files are in the current folder after `actions/checkout`? The task says it.',
    'The repository is the content of `project/`, so the checkout has no folder of that name.',
    'Delete `working-directory`, or the `cd`.',
  ],
  redWithoutReason: [
    'The message lists your steps, and how each one ended. Which one is the first that failed?',
    'Type its commands in a copy of `project/`. What do they print? The check has no network and no services.',
    '`- uses: actions/checkout@v4`, `- run: npm ci`, `- run: npm test`',
  ],
  asksOnce: [
    'When your step asks, the container has just started. Is its Postgres ready?',
    'Ask again until it is, or let the health check of the service do that before the first step.',
    '`until pg_isready -h localhost; do sleep 1; done`, or `options: --health-cmd pg_isready` for the service.',
  ],
  noInstall: [
    'The project has no dependency yet. What happens with your workflow on the day it has one?',
    'Install before you test, and let the installation fail if the lockfile does not match.',
    '`- run: npm ci`, before `- run: npm test`.',
  ],
  otherBranch: [
    'Which branches do the filters below `push:` and `pull_request:` name? What else do they leave out?',
    'A push to main and a pull request to main must both start the workflow. A filter for `tags` leaves out all branches.',
    '`push:` with `branches: [main]` below it, and `pull_request:` without a filter.',
  ],
  anyNode: [
    'Which version of Node runs your tests? Where does the file say so?',
    'The machine has some version of Node, and a later machine has another. Choose one.',
    '`- uses: actions/setup-node@v4`, with `node-version: 22` below `with:`.',
  ],
  noService: [
    'Which part of the workflow starts a Postgres?',
    'A job has `services`: containers that run next to its steps. This check reads them there.',
    '`services:`, below it `postgres:` with `image: postgres:18`, `env`, `ports` and `options`.',
  ],
  otherJob: [
    'Each job has a machine of its own. On which one does your Postgres run, and on which one do the tests run?',
    'Services belong to one job. Put the Postgres into the job that runs the tests.',
    'Move `services:` below the job with `npm test`, to the level of its `steps:`.',
  ],
  fixedTime: [
    'How do you know that Postgres needs less time than you sleep, on every machine?',
    'Do not guess the time. Ask Postgres whether it is ready, again and again.',
    '`options: --health-cmd pg_isready`, or `until pg_isready -h localhost; do sleep 1; done` in place of the `sleep`.',
  ],
  noPassword: [
    'How does the container know which password its Postgres has?',
    'The image of Postgres refuses to start without a password.',
    '`env:` with `POSTGRES_PASSWORD: only-for-tests`, below the image of the service.',
  ],
  wrongAddress: [
    'Compare DATABASE_URL with the service, part by part: user, password, host, port and database.',
    'The user is `postgres` unless POSTGRES_USER says otherwise, and the database is called like the user unless POSTGRES_DB does. The host is `localhost`; in a job with a `container`, it is the name of the service.',
    '`DATABASE_URL: postgres://postgres:PASSWORD@localhost:5432/DATABASE`, below `env:` of the job, and `ports: ["5432:5432"]` for the service.',
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
    'the file is YAML, and it has a job with steps',
    [
      'The message names the line. In YAML, the indentation defines what belongs together.',
      'A workflow has `jobs`; a job has a name, `runs-on` and a list of `steps`; a step has `run` or `uses`.',
      '`jobs:`, below it `test:`, below that `runs-on: ubuntu-latest` and `steps:`. Indent each level by two more spaces.',
    ],
    async () => {
      workflow = readWorkflow(await readFile(file('ci.yml'), 'utf8'))
      assert.ok(jobs().length > 0, 'The workflow has no job.')
      for (const [name, job] of Object.entries(workflow.jobs ?? {})) {
        assert.ok(job?.['runs-on'], `The job ${name} has no \`runs-on\`.`)
        assert.ok(Array.isArray(job.steps), `The job ${name} has no list of steps.`)
        for (const step of job.steps)
          assert.ok(
            (typeof step?.run === 'string') !== (typeof step?.uses === 'string'),
            `A step of ${name} has neither \`run\` nor \`uses\`, or both.`,
          )
      }
    },
  )

  await check(
    'no-tests',
    'the workflow runs the tests, and it is green if they pass',
    [
      'Which commands do you type in a fresh checkout of the project to run its tests?',
      'Write the same as steps: check out the commit, install, test.',
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
          `The checkout has no folder ${folder}. It has the content of project/, with package.json in the current folder.`,
        ),
      )
      await expectation('asks-once', HINTS.asksOnce, () =>
        assert.ok(
          passed || !/\b(pg_isready|psql|nc)\b[^\n]*: failed with 2/.test(log),
          'A step asks Postgres once, while it is still starting, and fails.',
        ),
      )
      await expectation('red-without-reason', HINTS.redWithoutReason, () =>
        assert.ok(
          passed,
          `The run is red, although the tests of the project pass: ${log.trim().replaceAll(/\s*\n\s*/g, '; ')}`,
        ),
      )
      assert.ok(existsSync(mark), 'The run is green, but no test ran.')
    },
  )

  await check(
    'hides-failures',
    'it is red if a test fails',
    [
      'Which exit code does the step of the tests have? What hides it from the job?',
      'Nothing may stand between the tests’ exit code and the job: no `|| true`, no `continue-on-error`, no pipe into `tee`.',
      '`- run: npm test`, with nothing else.',
    ],
    async () => {
      const { passed } = await runs().withBug
      assert.ok(!passed, 'slug.js has a bug and its test fails, but the run is green.')
    },
  )

  await check(
    'npm-install',
    'it is red if the lockfile does not match package.json',
    [
      'Which versions does the run test: the committed ones, or the newest ones of today?',
      'One command of npm installs only what the lockfile lists, and fails if it does not match.',
      '`npm ci` instead of `npm install`.',
    ],
    async () => {
      await expectation('no-install', HINTS.noInstall, () =>
        assert.ok(
          steps().some(({ run }) =>
            /\b(npm|yarn|pnpm)\b.*\b(c|ci|i|install|clean-install)\b/.test(run ?? ''),
          ),
          'No step installs what package-lock.json lists.',
        ),
      )
      const { passed } = await runs().withOtherLockfile
      assert.ok(!passed, 'package-lock.json lacks a dependency, but the run is green.')
    },
  )

  await check(
    'not-asked',
    'it runs on a push to main and on a pull request',
    [
      'When do you want to know about a bug: before the change is on the main branch, or after?',
      'Run it for both events. A pull request is tested as it would be merged, a push as it is.',
      '`on: [push, pull_request]`, or both as keys below `on:`, with `branches: [main]` below `push:`.',
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
    'no new major version is used without a change of the file',
    [
      'Which of your steps uses the newest version, whatever it is?',
      'Give each action a version after its `@`, and Node and the image of Postgres a number.',
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
        assert.ok(nodes.length > 0, 'The workflow does not choose a version of Node.'),
      )
      for (const version of nodes)
        assert.ok(/^v?\d/.test(version), `The version of Node is not a number: ${version || 'none'}.`)
    },
  )

  await check(
    'not-waited-for',
    'the tests have a Postgres that is waited for, at the address in DATABASE_URL',
    [
      'When the tests start: is there a Postgres, is it ready, and does DATABASE_URL have its address?',
      'Give the service an image, ports, and `options` with a health check. DATABASE_URL must have its password, database and port.',
      '`options: --health-cmd pg_isready --health-interval 5s --health-retries 10`',
    ],
    async () => {
      const found = Object.entries(workflow.jobs ?? {}).flatMap(([jobName, job]) =>
        Object.entries(job.services ?? {}).map(([name, service]) => ({ jobName, job, name, service })),
      )
      const postgres = found.filter(({ service }) => /postg|pgvector/.test(service.image ?? ''))
      await expectation('no-service', HINTS.noService, () =>
        assert.ok(postgres.length > 0, 'No job has a Postgres among its `services`.'),
      )
      const { url: given, job: tested } = JSON.parse(await readFile(mark, 'utf8')) as Mark
      const [beside] = postgres.filter(({ jobName }) => jobName === tested)
      await expectation('other-job', HINTS.otherJob, () =>
        assert.ok(beside, `The tests run in the job ${tested}, and its \`services\` have no Postgres.`),
      )
      const { job, name, service } = beside as NonNullable<typeof beside>
      const isChecked = /--health-cmd\b.*(pg_isready|psql)/s.test(service.options ?? '')
      const isAwaited = job.steps?.some(({ run }) => /\b(pg_isready|psql|nc|dev\/tcp)\b/.test(run ?? ''))
      await expectation('fixed-time', HINTS.fixedTime, () =>
        assert.ok(
          isChecked || isAwaited || !job.steps?.some(({ run }) => /\bsleep\b/.test(run ?? '')),
          'A step sleeps for a fixed time and then hopes that Postgres is ready.',
        ),
      )
      assert.ok(
        isChecked || isAwaited,
        'The Postgres service has no `--health-cmd` in its `options`, and no step asks whether it is ready, so the tests may start before it accepts connections.',
      )
      await expectation('no-password', HINTS.noPassword, () =>
        assert.ok(
          service.env?.POSTGRES_PASSWORD || service.env?.POSTGRES_HOST_AUTH_METHOD === 'trust',
          'The Postgres service has no POSTGRES_PASSWORD. Its container ends at once without one.',
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
          'DATABASE_URL does not have the address of the Postgres service.',
        )
      })
    },
  )
})

/** What the tests have found in their environment. */
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
      if (file) return [`the project has no version in ${file}`]
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
