/** Five hundred requests, a restart, a paused page and a class of thirty: what X-ray shows is what Postgres has logged. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { attachPostgres } from '@auth-primer/tool-postgres'
import pg from 'pg'
import t, { type Test } from 'tap'
import { DEMO_PASSWORD, DEMO_POSTS, DEMO_USERS } from '../../../examples/social-api/src/demo/data.ts'
import { launch } from '../../../test-support/chromium.ts'
import { createClient, PASSWORD, type ServiceClient } from '../../../test-support/client.ts'
import { CHECKOUT, run } from '../../../test-support/process.ts'
import { findUrls } from '../../terminal/src/addresses.ts'
import type { Trace } from '../server/trace.ts'
import { watch } from '../test/watch.ts'
import { compareUnits, LOG_LINE_PREFIX, listTracedUnits, readLoggedUnits } from './statements.ts'

const CLASS = [process.execPath, resolve(CHECKOUT, 'tools/terminal/dist/cli.js')]
const STUDENTS = 30
/** Sign up, log in, post, vote and list. */
const PER_STUDENT = 5
/** How many requests are sent at the same time. */
const PARALLEL = 10

const dir = await mkdtemp(join(tmpdir(), 'class-'))
const postgres = await attachPostgres({ dir, durable: false })
const browser = await launch()
t.teardown(async () => {
  await browser.close()
  await postgres.leave()
  await rm(dir, { recursive: true, force: true })
})

/** Sends statements on a new connection. */
async function execute(application: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url, application_name: application })
  await client.connect()
  for (const sql of statements) await client.query(sql)
  await client.end()
}

await execute(
  'test',
  `ALTER SYSTEM SET log_statement = 'all'`,
  `ALTER SYSTEM SET log_line_prefix = '${LOG_LINE_PREFIX}'`,
  'SELECT pg_reload_conf()',
)
const readLog = () => readFile(join(dir, 'postgres/postgres.log'), 'utf8')

// A site that is newer than the docs, so that the service builds none.
const site = join(dir, 'site')
await mkdir(site)
await writeFile(join(site, 'index.html'), '')

/** Starts the service for a class. */
async function start(PORT = '0') {
  const env = { AUTH_PRIMER_DATA_DIR: dir, AUTH_PRIMER_SITE_DIR: site, BCRYPT_COST: '10', PORT }
  const service = run(t, CLASS, env, { isRecorded: false })
  const xrayUrl = await service.waitForOutput(/http:[^"\s]*\/xray\?key=[\w-]+/)
  const { origin: url, port, searchParams } = new URL(xrayUrl)
  const [roomUrl = url] = findUrls({ address: '0.0.0.0', port: Number(port) }).network
  return { ...service, url, roomUrl, port, xrayUrl, cookie: `xray-${port}=${searchParams.get('key')}` }
}

/** Watches a service as X-ray's page does, and reads what Postgres logs in the same time. */
async function observe({ url, cookie }: { url: string; cookie: string }) {
  const watching = await watch(t, url, { cookie })
  // knex asks for the version of Postgres on its first connection, which belongs to no request.
  const { headers } = await createClient(url).call('GET', '/ready')
  await watching.until(headers.get('x-request-id') ?? '')
  const earlier = new Set(watching.traces.keys())
  const logStart = (await readLog()).length
  const list = () => [...watching.traces.values()].filter(({ id, isPage }) => !isPage && !earlier.has(id))
  return {
    /** Waits until so many requests have been traced to their end, and returns the traces. */
    async traces(count: number): Promise<Trace[]> {
      while (list().filter(({ ms }) => ms !== undefined).length < count) await sleep(20)
      return list()
    },
    readLog: async () => readLoggedUnits((await readLog()).slice(logStart), 'social-api'),
    missed: () => watching.missed,
  }
}
type Observer = Awaited<ReturnType<typeof observe>>

/** Compares all statements of the requests so far, in their order in each transaction, with Postgres's log. */
async function checkStatements(t: Test, observer: Observer, requests: number): Promise<void> {
  const traces = await observer.traces(requests)
  t.equal(traces.length, requests)
  t.equal(observer.missed(), 0)
  t.same(
    traces.filter(({ droppedSteps }) => droppedSteps !== undefined),
    [],
    'no trace is cut off',
  )
  const [logged, traced] = [await observer.readLog(), listTracedUnits(traces)]
  t.same(compareUnits(logged, traced), { onlyLogged: [], onlyTraced: [] })
  t.equal(logged.flat().length, traced.flat().length)
  for (const verb of ['BEGIN', 'COMMIT', 'ROLLBACK'])
    t.ok(
      logged.flat().some((sql) => sql.startsWith(verb)),
      verb,
    )
  t.comment(`${requests} requests, ${logged.flat().length} statements`)
}

/** The requests that Maya repeats after she has voted for post 4, each with the status of its response. */
const REQUESTS: readonly (readonly [number, Send])[] = [
  [200, ({ call, token }) => call('GET', '/posts?limit=5', { token })],
  [200, ({ call, token }) => call('GET', '/posts/1', { token })],
  [200, ({ call, token }) => call('GET', '/users/me', { token })],
  [
    201,
    ({ call, token }) => call('POST', '/posts', { token, json: { title: 'A title', content: 'A text' } }),
  ],
  [422, ({ call, token }) => call('POST', '/posts', { token, json: { title: '' } })],
  [409, ({ call, token }) => call('POST', '/vote', { token, json: { post_id: 4, dir: 1 } })],
  [404, ({ call, token }) => call('GET', '/posts/2147483647', { token })],
  [403, ({ call, token }) => call('DELETE', '/posts/2', { token })],
  [401, ({ call }) => call('GET', '/posts')],
  [200, ({ call }) => call('GET', '/health')],
]
type Send = (client: ServiceClient & { token: string }) => ReturnType<ServiceClient['call']>

/** Sends so many requests, some at the same time. Returns those that got another status than they must. */
async function sendMany(client: ServiceClient & { token: string }, count: number): Promise<string[]> {
  const wrong: string[] = []
  let next = 0
  const sendSome = async () => {
    while (next < count) {
      const [expected, send] = REQUESTS[next++ % REQUESTS.length] as (typeof REQUESTS)[number]
      const { status, body } = await send(client)
      if (status !== expected) wrong.push(`${status} instead of ${expected}: ${JSON.stringify(body)}`)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, sendSome))
  return wrong
}

/** Everything that a student sends, over the network. Returns what the student gets. */
async function attend(roomUrl: string, number: number) {
  const { call } = createClient(roomUrl)
  const email = `student-${number}@example.com`
  const title = `The title of student ${number}`
  const signUp = await call('POST', '/users', { json: { email, password: PASSWORD } })
  const logIn = await call('POST', '/login', { form: { username: email, password: PASSWORD } })
  const token: string = logIn.body.access_token
  const post = await call('POST', '/posts', { token, json: { title, content: 'A text' } })
  const vote = await call('POST', '/vote', { token, json: { post_id: 1, dir: 1 } })
  const list = await call('GET', `/posts?limit=100&search=${encodeURIComponent(`${title}`)}`, { token })
  return {
    statuses: [signUp, logIn, post, vote, list].map(({ status }) => status),
    owner: post.body.owner?.email,
    listed: list.body.map?.(({ Post }: { Post: { title: string } }) => Post.title),
    email,
    title,
  }
}

const first = await start()
const before = await observe(first)
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
const rows = page.locator('.request')
const count = page.locator('#view-timeline .count')
await page.goto(first.xrayUrl)
await page.locator('#live.live').waitFor()

const form = { username: DEMO_USERS[0]?.email ?? '', password: DEMO_PASSWORD }
const logIn = await createClient(first.url).call('POST', '/login', { form })
const token: string = logIn.body.access_token
let after: Observer

t.test('X-ray’s statements of 300 requests are those in Postgres’s log', async (t) => {
  const client = { ...createClient(first.url), token }
  t.equal((await client.call('POST', '/vote', { token, json: { post_id: 4, dir: 1 } })).status, 201)
  t.same(await sendMany(client, 297), [])
  await checkStatements(t, before, 299)
  await count.filter({ hasText: /^200 of 300 requests kept$/ }).waitFor()
})

t.test('a statement that no request has sent is only in Postgres’s log', async (t) => {
  await execute('social-api', `SELECT 'not sent by a request'`)
  const { onlyLogged, onlyTraced } = compareUnits(
    await before.readLog(),
    listTracedUnits(await before.traces(299)),
  )
  t.same(onlyLogged, [[`SELECT 'not sent by a request'`]])
  t.same(onlyTraced, [])
})

t.test('after a restart, X-ray goes on, and says that it keeps 200 of 500 requests', async (t) => {
  first.child.kill('SIGTERM')
  t.equal(await first.waitForExit(), 0)
  await page.locator('#live.disconnected').waitFor()
  const second = await start(first.port)
  after = await observe(second)
  await page.locator('#live.live').waitFor()
  t.same(await sendMany({ ...createClient(second.url), token }, 199), [])
  await checkStatements(t, after, 199)
  await count.filter({ hasText: /^200 of 500 requests kept$/ }).waitFor()
  t.equal(await rows.count(), 200)
})

t.test('a class of 30 gets the right responses over the network, and cannot open X-ray', async (t) => {
  const keys = () => rows.evaluateAll((all) => all.map((row) => row.getAttribute('data-key')))
  await page.getByRole('button', { name: 'Pause' }).click()
  const paused = await keys()
  const { url, roomUrl, xrayUrl } = first
  const hasNetwork = roomUrl !== url
  const students = await Promise.all(Array.from({ length: STUDENTS }, (_, n) => attend(roomUrl, n + 1)))
  for (const { statuses, owner, listed, email, title } of students)
    t.same(
      { statuses, owner, listed },
      { statuses: [201, 200, 201, 201, 200], owner: email, listed: [title] },
      email,
    )
  const sent = STUDENTS * PER_STUDENT
  await page.getByRole('button', { name: `Go on (${sent} new)` }).waitFor()
  t.same(await keys(), paused, 'the page shows what it showed at the pause')
  t.equal(await count.textContent(), '200 of 500 requests kept')
  await checkStatements(t, after, 199 + sent)

  await page.getByRole('button', { name: /^Go on/ }).click()
  await count.filter({ hasText: `200 of ${500 + sent} requests kept` }).waitFor()
  for (const { email } of students) t.ok((await rows.filter({ hasText: email }).count()) > 0, email)
  const xray = await fetch(`${roomUrl}/xray${new URL(xrayUrl).search}`)
  t.equal(xray.status, 404, 'X-ray, even with the key', { skip: !hasNetwork && 'no network' })
  const [post] = await createClient(roomUrl)
    .call('GET', '/posts?limit=1', { token })
    .then(({ body }) => body)
  t.equal(post.votes, STUDENTS + (DEMO_POSTS[0]?.voters.length ?? 0))
})

t.test('the page shows each statement of a request, as X-ray has traced it', async (t) => {
  const row = rows.filter({ hasText: 'POST /vote' }).first()
  await row.click()
  const key = await row.getAttribute('data-key')
  const trace = (await after.traces(0)).find(({ id }) => key?.endsWith(` ${id}`))
  const sent = trace?.steps.flatMap(({ sql }) => sql?.replaceAll(/\s+/g, ' ') ?? []) ?? []
  const chart = page.locator('#view-timeline .chart')
  const shown = await chart.locator('.sql').allTextContents()
  t.same(
    // The name of the step is all of its SQL.
    [...shown.map((text) => text.replaceAll(/\s+/g, ' ')), 'COMMIT'],
    sent,
  )
  t.ok((await chart.locator('.name').allTextContents()).some((name) => name.trim() === 'COMMIT'))
  t.match(sent, [/ from "users"/, /^BEGIN/, /for key share$/, /^insert into "votes"/, /^COMMIT$/])
})
