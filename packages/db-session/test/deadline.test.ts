/** No statement waits forever: if the network goes silent, the request gets an error and the pool discards the connection. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { DbSession } from '../src/index.ts'
import { proxy } from './proxy.ts'
import { openDatabase, openKnex, send, start, until, used } from './setup.ts'

const database = await openDatabase(t)
const LIMIT = 100
/** The client's deadline: the limit, one second, and a margin for a slow machine. */
const DEADLINE = [1_000, 8_000] as const

/** An app whose network to Postgres goes silent for a connection that sends `silent`. */
async function serve(
  routes: (app: FastifyInstance) => void,
  silent: string | ((text: string) => boolean),
  options = {},
) {
  const network = await proxy(t, database.url)
  const isSilent = typeof silent === 'string' ? (text: string) => text.includes(silent) : silent
  network.onMessage = (text) => (isSilent(text) ? 'mute' : 'pass')
  return start(t, database, routes, {
    knex: openKnex(network.url, 10),
    statementTimeoutMs: LIMIT,
    // on a busy machine, new connections take longer than the default
    acquireTimeoutMs: 10_000,
    ...options,
  })
}

const timed = async <T>(work: () => Promise<T>): Promise<T & { ms: number }> => {
  const begun = performance.now()
  return { ...(await work()), ms: performance.now() - begun }
}

const silent = await serve((app) => {
  const SLEEP = 'select pg_sleep(600) as silent'
  app.post('/first', ({ db }) => db.query(SLEEP))
  app.post('/later', async ({ db }) => {
    await db('users').insert({ email: 'later' })
    await db.raw(SLEEP)
  })
  app.post('/answered', async ({ db }) => {
    await db('users').insert({ email: 'answered' })
    await db.query('select 1 as silent')
  })
  app.post('/swallowed', async ({ db }) => {
    await db('users').insert({ email: 'swallowed' })
    await db.query(SLEEP).catch(() => {})
    return {}
  })
  app.post('/savepoint', async ({ db }) => {
    await db('users').insert({ email: 'savepoint' })
    await db.savepoint((savepoint) => savepoint.query(SLEEP)).catch(() => {})
    return {}
  })
  app.post('/queued', async ({ db }) => {
    const results = await Promise.allSettled([db.query(SLEEP), db.query('select 2'), db('users').insert({})])
    return results.map(({ status }) => status)
  })
  app.post('/unit', () => app.unitOfWork((db) => db.query(SLEEP)))
  app.post('/read', { config: { db: { mode: 'read' } } }, ({ db }) => db.query(SLEEP))
  app.post('/rows', async ({ db }) => {
    for await (const _ of db
      .raw("select g, repeat('x', 9000) as silent from generate_series(1, 900) g")
      .stream());
    return {}
  })
  app.post('/fine', async ({ db }) => {
    await db.query('select 1')
    return {}
  })
}, 'silent')

let midway = false
const halfway = await serve(
  (app) => {
    app.post('/', async ({ db }) => {
      for await (const _ of db.raw('select generate_series(1, 900) as g').stream({ highWaterMark: 10 }))
        midway = true
      return {}
    })
  },
  () => midway,
  // Postgres's own limit must not end the statement before the network goes silent
  { statementTimeoutMs: 1_000 },
)

const commit = await serve((app) => {
  app.post('/', async ({ db }) => {
    await db('users').insert({ email: 'commit' })
    return {}
  })
  app.post('/early', async ({ db }) => {
    await db('users').insert({ email: 'early' })
    await db.commit().catch(() => {})
    return {}
  })
}, 'COMMIT')

const withoutLimit = await serve(
  (app) => {
    app.post('/for-ever', async ({ db }) => {
      await db.query('select pg_sleep(600) as silent')
    })
  },
  'silent',
  { statementTimeoutMs: 0 },
)

const slow = await serve((app) => {
  app.post('/rows', async ({ db }) => {
    let count = 0
    // the limit of Postgres is for all rows together; this test is about the limit of the client
    await db.query('set local statement_timeout = 0')
    const rows = db.raw('select g, pg_sleep(0.05) from generate_series(1, 30) g').stream({ highWaterMark: 1 })
    for await (const _ of rows) count++
    return { count }
  })
  app.post('/reader', async ({ db }) => {
    let count = 0
    await db.query('set local statement_timeout = 0')
    for await (const row of db.raw('select g from generate_series(1, 300) g').stream()) {
      if (row.g === 150) await sleep(1_400)
      count++
    }
    return { count }
  })
  app.post('/waits-in-the-loop', async ({ db }) => {
    for await (const _ of db.raw('select generate_series(1, 900)').stream()) await db.query('select 1')
    return { count: 0 }
  })
  app.post('/between', async ({ db }) => {
    await db.query('select 1')
    await sleep(1_400)
    return { count: (await db.query('select 300 as n')).rows[0].n }
  })
  app.post('/queue', async ({ db }) => {
    const results = await Promise.all(Array.from({ length: 25 }, () => db.query('select pg_sleep(0.06)')))
    return { count: results.length }
  })
}, 'nothing is silent')

const rested = await serve((app) => {
  const pid = async ({ db }: { db: DbSession }) => (await db.query('select pg_backend_pid() as pid')).rows[0]
  app.post('/pid', pid)
  app.post('/without-limit', { config: { db: { statementTimeoutMs: 0 } } }, pid)
  app.post('/silent', async ({ db }) => {
    await db.query('select pg_sleep(600) as silent')
  })
}, 'silent')

// each of these requests takes more than a second, so they run at the same time
const paths = [
  '/first',
  '/later',
  '/answered',
  '/swallowed',
  '/savepoint',
  '/queued',
  '/unit',
  '/read',
  '/rows',
]
const silence = Promise.all(paths.map((path) => timed(() => silent.hit('POST', path))))
const half = timed(() => halfway.hit('POST', '/'))
const commits = Promise.all(['/', '/early'].map((path) => timed(() => commit.hit('POST', path))))
const unlimitedStatement = timed(async () => {
  const gone = send(`${withoutLimit.base}/for-ever`)
  const connections = await new Promise<number>((resolve) => {
    gone.on('response', () => resolve(-1))
    setTimeout(() => resolve(used(withoutLimit.knex)), 1_600)
  })
  gone.destroy()
  return { used: connections }
})
const rest = (async () => {
  const pids: unknown[] = []
  for (const path of ['/pid', '/without-limit', '/pid']) pids.push((await rested.hit('POST', path)).json)
  await sleep(1_400)
  pids.push((await rested.hit('POST', '/pid')).json)
  await sleep(1_400)
  return { pids, response: await timed(() => rested.hit('POST', '/silent')) }
})()
const slowness = Promise.all(['/rows', '/reader', '/between', '/queue'].map((path) => slow.hit('POST', path)))

t.test('a statement that gets no response is aborted one second after its limit', async (t) => {
  for (const [index, response] of (await silence).entries()) {
    const path = paths[index] as string
    t.match(
      response,
      { status: 503, json: { code: 'DB_SESSION_STATEMENT_TIMEOUT' } },
      `${path}: ${response.body}`,
    )
    t.ok(
      response.ms >= DEADLINE[0] && response.ms < DEADLINE[1],
      `${path} took ${Math.round(response.ms)} ms`,
    )
  }
  t.same(await database.see("select email from users where email not in ('commit', 'early')"), [])
})

t.test(
  'a statement that waits for the row stream around it gets an error that names the row stream',
  async (t) => {
    const answer = await slow.hit('POST', '/waits-in-the-loop')
    t.match(answer.json, { code: 'DB_SESSION_STATEMENT_TIMEOUT', message: 'waited for a row stream' })
    t.equal(answer.status, 503)
  },
)
t.test('a row stream that goes silent is aborted one second after its limit', async (t) => {
  const response = await half
  t.match(response, { status: 503, json: { code: 'DB_SESSION_STATEMENT_TIMEOUT' } }, response.body)
  t.ok(response.ms >= DEADLINE[0] && response.ms < DEADLINE[1], `it took ${Math.round(response.ms)} ms`)
  await until(() => used(halfway.knex) === 0, 'the release of the connection')
})

t.test('a COMMIT that gets no response has an unknown outcome', async (t) => {
  for (const response of await commits) {
    t.match(response, { status: 503, json: { code: 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN' } }, response.body)
    t.ok(response.ms >= DEADLINE[0] && response.ms < DEADLINE[1], `it took ${Math.round(response.ms)} ms`)
  }
})

t.test('silent connections are discarded, and their statements do not go on in Postgres', async (t) => {
  await silence
  await commits
  await until(() => used(silent.knex) + used(commit.knex) === 0, 'the release of the connections')
  await until(
    async () =>
      (
        await database.see(
          "select 1 from pg_stat_activity where datname = current_database() and query ~ 'pg_sleep.600. as silent' and state = 'active' and pid <> pg_backend_pid()",
        )
      ).length <= 1,
    'the cancel of all but the statement without a limit',
  )
  const responses = await Promise.all(Array.from({ length: 12 }, () => silent.hit('POST', '/fine')))
  t.ok(responses.every(({ status }) => status === 200))
})

t.test(
  'a connection that was idle for longer than a deadline is used again, with the same deadline',
  async (t) => {
    const { pids, response } = await rest
    t.equal(new Set(pids.map((pid) => JSON.stringify(pid))).size, 1, 'one connection serves all')
    t.match(response, { status: 503, json: { code: 'DB_SESSION_STATEMENT_TIMEOUT' } }, response.body)
    t.ok(response.ms >= DEADLINE[0] && response.ms < DEADLINE[1], `it took ${Math.round(response.ms)} ms`)
  },
)

t.test('a limit of 0 has no deadline', async (t) => {
  const { ms, used: connections } = await unlimitedStatement
  t.ok(ms >= 1_500, 'the client disconnected before the response')
  t.equal(connections, 1)
  await until(() => used(withoutLimit.knex) === 0, 'the release of the connection')
})

t.test('a slow statement is not aborted as long as data arrives', async (t) => {
  const [rows, reader, between, queue] = await slowness
  t.match(rows, { status: 200, json: { count: 30 } }, 'a row stream that takes longer than the deadline')
  t.match(reader, { status: 200, json: { count: 300 } }, 'a reader that takes longer')
  t.match(between, { status: 200, json: { count: 300 } }, 'a handler that does something else')
  t.match(queue, { status: 200, json: { count: 25 } }, 'statements that wait for one another')
})
