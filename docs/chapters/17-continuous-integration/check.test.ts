import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chapter } from '../../check/chapter.ts'
import { expander, type Job, readWorkflow, runWorkflow, type Workflow } from './runner.ts'

const PROJECT = resolve(import.meta.dirname, 'project')

await chapter(import.meta.url, async ({ file, claim, atEnd }) => {
  const dir = await mkdtemp(join(tmpdir(), 'workflow-'))
  atEnd(() => rm(dir, { recursive: true }))
  const mark = join(dir, 'ran')
  let workflow: Workflow = {}

  /** Runs the workflow on a commit: the project, with one thing changed. */
  const runOn = async (change: (commit: string) => Promise<void>) => {
    const commit = await mkdtemp(join(dir, 'commit-'))
    await cp(PROJECT, commit, { recursive: true })
    await change(commit)
    return runWorkflow(workflow, commit)
  }
  const jobs = () => Object.values(workflow.jobs ?? {})
  const steps = () => jobs().flatMap(({ steps }) => steps ?? [])

  await claim(
    'not-a-workflow',
    'it is YAML, and has a job with steps',
    [
      'The message has the line. In YAML the indentation says what belongs to what.',
      'A workflow has `jobs`; a job has a name, `runs-on` and a list of `steps`; a step has `run` or `uses`.',
      '`jobs:`, below it `test:`, below that `runs-on: ubuntu-latest` and `steps:`, each two spaces further in.',
    ],
    async () => {
      workflow = readWorkflow(await readFile(file('ci.yml'), 'utf8'))
      assert.ok(jobs().length > 0, 'There is no job.')
      for (const [name, job] of Object.entries(workflow.jobs ?? {})) {
        assert.ok(job?.['runs-on'], `The job ${name} does not say what it runs on.`)
        assert.ok(Array.isArray(job.steps), `The job ${name} has no list of steps.`)
        for (const step of job.steps)
          assert.ok(
            (typeof step?.run === 'string') !== (typeof step?.uses === 'string'),
            `A step of ${name} has neither \`run\` nor \`uses\`, or both.`,
          )
      }
    },
  )

  await claim(
    'no-tests',
    'it runs the tests, and is green where they pass',
    [
      'What do you type in a fresh checkout of the project, from nothing to the tests?',
      'The same, as steps: the commit is checked out, then installed, then tested.',
      '`- uses: actions/checkout@v4`, `- run: npm ci`, `- run: npm test`',
    ],
    async () => {
      const { passed, log } = await runOn(async (commit) => {
        const path = join(commit, 'slug.test.js')
        const probe = `import { writeFileSync } from 'node:fs'
          writeFileSync(${JSON.stringify(mark)}, process.env.DATABASE_URL ?? '')`
        await writeFile(path, `${await readFile(path, 'utf8')}\n${probe}\n`)
      })
      assert.ok(passed, `It is red, though the project is right:\n${log}`.replaceAll('\n', ' '))
      assert.ok(existsSync(mark), 'It is green, and no test has run.')
    },
  )

  await claim(
    'hides-failures',
    'it is red where a test fails',
    [
      'What is a step’s exit code, and who looks at it?',
      'Nothing may stand between the tests’ exit code and the job: no `|| true`, no `continue-on-error`, no pipe into `tee`.',
      '`- run: npm test`, with nothing else.',
    ],
    async () => {
      const { passed } = await runOn((commit) =>
        writeFile(join(commit, 'slug.js'), 'export const slug = (title) => title\n'),
      )
      assert.ok(!passed, 'There is a bug in slug.js, its test fails, and the run is green.')
    },
  )

  await claim(
    'npm-install',
    'it is red where the lockfile does not say what package.json wants',
    [
      'Which versions are tested: those that were committed, or those that are newest today?',
      'One way to install goes by the lockfile alone, and fails where that does not fit.',
      '`npm ci` in the place of `npm install`.',
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
      assert.ok(!passed, 'A dependency is missing in package-lock.json, and the run is green.')
    },
  )

  await claim(
    'not-asked',
    'it runs on a push to main, and on a pull request',
    [
      'When would you like to know: before a change is on the main branch, or after?',
      'A pull request is tested as it would be merged, a push as it is.',
      '`on: [push, pull_request]`, or the two as keys below `on:`, with `branches: [main]` below `push:`.',
    ],
    async () => {
      const events = typeof workflow.on === 'string' ? [workflow.on] : (workflow.on ?? [])
      const filters = Array.isArray(events)
        ? Object.fromEntries(events.map((event) => [event, null]))
        : (events as Record<string, { branches?: unknown } | null>)
      for (const event of ['push', 'pull_request'])
        assert.ok(event in filters, `It does not run on ${event}.`)
      const branches = [filters.push?.branches ?? 'main'].flat()
      assert.ok(
        branches.some((name) => ['main', '*', '**'].includes(name)),
        'A push to main is not among what it runs on.',
      )
    },
  )

  await claim(
    'floating',
    'no new major version comes by itself',
    [
      'Which of your steps takes whatever is newest?',
      'An action has a version behind its `@`, Node and the image of Postgres a number.',
      '`actions/setup-node@v4` with `node-version: 22`, and `image: postgres:18`.',
    ],
    async () => {
      for (const { uses } of steps())
        assert.ok(uses === undefined || /@(v?\d[\w.-]*|[0-9a-f]{40})$/.test(uses), `${uses} has no version.`)
      for (const { image = '' } of services())
        assert.match(image, /:v?\d|@sha256:/, 'The image of a service has no version.')
      const nodes = jobs().flatMap(versionsOfNode)
      assert.ok(nodes.length > 0, 'Which Node it is, is left to the machine.')
      for (const version of nodes) assert.match(version, /^v?\d/, 'This is no version of Node.')
    },
  )

  await claim(
    'not-waited-for',
    'a Postgres is beside the tests, waited for, at the address in DATABASE_URL',
    [
      'The tests begin. Is Postgres there, is it ready, and do they know where it is?',
      'A service has an image, ports and `options` with a health check. DATABASE_URL has its password, its database and its port.',
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
        'The steps begin before Postgres takes connections.',
      )
      const given = await readFile(mark, 'utf8')
      assert.ok(URL.canParse(given), 'The tests have no DATABASE_URL that is a URL.')
      assert.deepEqual(partsOf(given), addressOf(job, name), 'DATABASE_URL leads elsewhere.')
    },
  )

  function services() {
    return jobs().flatMap((job) => Object.values(job.services ?? {}))
  }
})

/** Each of a matrix. A file of the project that says it counts as well. */
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

/** Where a job's steps find a service: by its name from within a container, else at the port that it has on the machine. */
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
