import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chapter } from '../../check/chapter.ts'
import { expander, type Job, readWorkflow, runWorkflow, type Workflow } from './runner.ts'

const PROJECT = resolve(import.meta.dirname, 'project')

await chapter(import.meta.url, async ({ file, check, atEnd }) => {
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
      const { passed, log } = await runOn(async (commit) => {
        const path = join(commit, 'slug.test.js')
        const probe = `import { writeFileSync } from 'node:fs'
          writeFileSync(${JSON.stringify(mark)}, process.env.DATABASE_URL ?? '')`
        await writeFile(path, `${await readFile(path, 'utf8')}\n${probe}\n`)
      })
      assert.ok(
        passed,
        `The run is red, although the tests of the project pass:\n${log}`.replaceAll('\n', ' '),
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
      const { passed } = await runOn((commit) =>
        writeFile(join(commit, 'slug.js'), 'export const slug = (title) => title\n'),
      )
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
      const { passed } = await runOn(async (commit) => {
        const path = join(commit, 'package.json')
        const wanted = {
          ...JSON.parse(await readFile(path, 'utf8')),
          dependencies: { words: 'file:./words' },
        }
        await writeFile(path, JSON.stringify(wanted))
        await mkdir(join(commit, 'words'))
        await writeFile(join(commit, 'words/package.json'), '{ "name": "words", "version": "1.0.0" }')
      })
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
        : (events as Record<string, { branches?: unknown } | null>)
      for (const event of ['push', 'pull_request'])
        assert.ok(event in filters, `The workflow does not run on ${event}.`)
      const branches = [filters.push?.branches ?? 'main'].flat()
      assert.ok(
        branches.some((name) => ['main', '*', '**'].includes(name)),
        'The workflow does not run on a push to main.',
      )
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
          uses === undefined || /@(v?\d[\w.-]*|[0-9a-f]{40})$/.test(uses),
          `The action ${uses} has no version.`,
        )
      for (const { image = '' } of services())
        assert.match(image, /:v?\d|@sha256:/, 'The image of a service has no version.')
      const nodes = jobs().flatMap(versionsOfNode)
      assert.ok(nodes.length > 0, 'The workflow does not choose a version of Node.')
      for (const version of nodes) assert.match(version, /^v?\d/, 'The version of Node is not a number.')
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
      const found = jobs().flatMap((job) =>
        Object.entries(job.services ?? {}).map(([name, service]) => ({ job, name, service })),
      )
      const [postgres] = found.filter(({ service }) => /postg|pgvector/.test(service.image ?? ''))
      assert.ok(postgres, 'No job has a Postgres among its `services`.')
      const { job, name, service } = postgres
      assert.match(
        service.options ?? '',
        /--health-cmd/,
        'The Postgres service has no `--health-cmd` in its `options`, so the steps may start before it accepts connections.',
      )
      const given = await readFile(mark, 'utf8')
      assert.ok(URL.canParse(given), 'DATABASE_URL is not set for the tests, or is not a URL.')
      assert.deepEqual(
        partsOf(given),
        addressOf(job, name),
        'DATABASE_URL does not have the address of the Postgres service.',
      )
    },
  )

  function services() {
    return jobs().flatMap((job) => Object.values(job.services ?? {}))
  }
})

/** Returns the versions of Node, those of a matrix one by one. A `node-version-file` counts as a version. */
function versionsOfNode({ steps = [], strategy }: Job): string[] {
  return steps
    .filter(({ uses }) => uses?.startsWith('actions/setup-node@'))
    .flatMap((step) => {
      if (step.with?.['node-version-file']) return ['22']
      const version = String(step.with?.['node-version'] ?? '')
      const [, name] = /^\$\{\{\s*matrix\.([\w-]+)\s*\}\}$/.exec(version) ?? []
      return name === undefined ? [version] : [strategy?.matrix?.[name]].flat().map(String)
    })
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
