import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import pg from 'pg'
import t from 'tap'
import { startServer } from '../fixture/faults.ts'
import { runStages } from '../src/run.ts'
import { STAGES } from '../src/stages/index.ts'
import { Subject } from '../src/subject.ts'

const SECRET = 'a5f1c3'.repeat(8)
const ORIGIN = 'https://app.example.com'
const ids = STAGES.flatMap((stage) => stage.checks.map(({ id }) => id))
/** These need a server that the grader can kill: see `kill.test.ts`. */
const NEED_A_PROCESS = ['loses-posts', 'forgets-logins']
/** A server with one of these faults cannot pass the checks that build on it. */
const WITH_CONSEQUENCES = [
  'post-read',
  'posts-differ',
  'post-listed',
  'email-taken',
  'password-in-plain-text',
  'wrong-password',
  'unknown-user',
  'token-not-jwt',
  'token-names-user',
  'vote-counted',
  'vote-twice',
  'limit-ignored',
  'search-ignored',
  'refresh',
]

const database = await createTestDatabase()
t.teardown(database.drop)
const pool = new pg.Pool({ connectionString: database.url })
t.teardown(() => pool.end())
await pool.query('create table members (mail text, secret text)')
const storeUser = async (email: string, stored: string): Promise<void> => {
  await pool.query('insert into members values ($1, $2)', [email, stored])
}

/** Returns the checks that fail, with the reason, and those that were not made. */
async function judge(options: Parameters<typeof startServer>[0]) {
  const server = await startServer({ secret: SECRET, origin: ORIGIN, storeUser, ...options })
  const subject = new Subject({
    url: new URL(server.url),
    secret: SECRET,
    origin: ORIGIN,
    databaseUrl: database.url,
  })
  const results = await runStages(STAGES, subject, { isComplete: true })
  await server.close()
  const all = results.flatMap((stage) => stage.results)
  const failed = all.filter(({ state }) => state === 'failed')
  const notChecked = all.filter(({ state }) => state === 'not checked')
  return {
    failed: failed.map(({ check, failure }): [id: string, reason: string] => [
      check.id,
      failure?.message ?? '',
    ]),
    notChecked: notChecked.map(({ check }) => check.id),
  }
}

t.test('a server without a fault passes every stage', async (t) => {
  t.same(await judge({}), { failed: [], notChecked: NEED_A_PROCESS })
})

t.test('a server with UUIDs, other statuses and nested bodies passes every stage', async (t) => {
  t.same(await judge({ isOtherStyle: true }), { failed: [], notChecked: NEED_A_PROCESS })
})

t.test('each check has a unique ID', async (t) => {
  t.equal(new Set(ids).size, ids.length)
})

for (const id of ids.filter((id) => !NEED_A_PROCESS.includes(id))) {
  t.test(`a server with the fault ${id} fails the check of this name`, async (t) => {
    const { failed } = await judge({ faults: [id] })
    const failedIds = failed.map(([id]) => id)
    if (id === 'token-accepted') t.ok(failedIds.includes(id), 'nothing that needs a token passes')
    else t.equal(failedIds[0], id, `first of all ${failed[0]?.[1]}`)
    if (![...WITH_CONSEQUENCES, 'token-accepted'].includes(id)) t.same(failedIds, [id], 'and no other')
  })
}
