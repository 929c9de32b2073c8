// The grader is right: servers without a fault pass, and for each check a server fails exactly this one.
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import pg from 'pg'
import t from 'tap'
import { type ServerOptions, startServer } from '../fixture/faults.ts'
import { MESSAGES } from '../fixture/messages.ts'
import { formatFailure } from '../src/print.ts'
import { runStages } from '../src/run.ts'
import { hashesPasswords } from '../src/stages/07-hashes-passwords.ts'
import { STAGES } from '../src/stages/index.ts'
import { Subject } from '../src/subject.ts'

// each fault is a run of all stages
t.setTimeout(300_000)

const SECRET = 'a5f1c3'.repeat(8)
const ORIGIN = 'https://app.example.com'
const ids = STAGES.flatMap((stage) => stage.checks.map(({ id }) => id))
/** These need a server that the grader can kill: see `kill.test.ts`. */
const NEED_A_PROCESS = ['loses-posts', 'forgets-logins']
const NEED_A_DATABASE = hashesPasswords.checks.map(({ id }) => id)

const database = await createTestDatabase()
t.teardown(database.drop)
const pool = new pg.Pool({ connectionString: database.url })
t.teardown(() => pool.end())
await pool.query('create table members (mail text, secret text)')
const storeUser = async (email: string, stored: string): Promise<void> => {
  await pool.query('insert into members values ($1, $2)', [email, stored])
}

/** Returns the IDs of the checks in each state, and why those that failed did. */
async function judge(options: ServerOptions, stages = STAGES) {
  const { faults = [] } = options
  const server = await startServer({ secret: SECRET, origin: ORIGIN, storeUser, ...options })
  const subject = new Subject({
    url: new URL(server.url),
    secret: SECRET,
    origin: ORIGIN,
    // the other faults change nothing in the table, and each look costs a connection
    databaseUrl: faults.every((fault) => NEED_A_DATABASE.includes(fault)) ? database.url : undefined,
  })
  const results = (await runStages(stages, subject, { isComplete: true })).flatMap((stage) => stage.results)
  await server.close()
  const list = (wanted: string) =>
    results.filter(({ state }) => state === wanted).map(({ check }) => check.id)
  const messages = results.flatMap(({ failure }) => (failure ? [formatFailure(failure).join('\n')] : []))
  return {
    states: { failed: list('failed'), blocked: list('blocked'), notChecked: list('not checked') },
    messages,
  }
}

const PASSED = { failed: [], blocked: [], notChecked: NEED_A_PROCESS }

t.test('a server without a fault passes every stage', async (t) => {
  t.same((await judge({})).states, PASSED)
})

t.test('a server with UUIDs, other statuses and nested bodies passes every stage', async (t) => {
  t.same((await judge({ isOtherStyle: true })).states, PASSED)
})

t.test('a server whose clock is ten days ahead or behind passes every stage', async (t) => {
  for (const clockOffsetS of [864_000, -864_000]) t.same((await judge({ clockOffsetS })).states, PASSED)
})

t.test('each check passes as the first one that a server gets', async (t) => {
  for (const stage of STAGES)
    for (const check of stage.checks) {
      const { states } = await judge({}, [{ ...stage, checks: [check] }])
      t.same([...states.failed, ...states.blocked], [], check.id)
    }
})

t.test('the checks pass in reverse order, too', async (t) => {
  const reversed = STAGES.toReversed().map((stage) => ({ ...stage, checks: stage.checks.toReversed() }))
  const { states } = await judge({}, reversed)
  t.same(states, { ...PASSED, notChecked: NEED_A_PROCESS.toReversed() })
})

t.test('each check has a unique ID, and a message to expect', async (t) => {
  t.equal(new Set(ids).size, ids.length)
  t.same(Object.keys(MESSAGES).sort(), ids.filter((id) => !NEED_A_PROCESS.includes(id)).sort())
})

for (const [id, parts] of Object.entries(MESSAGES)) {
  t.test(`a server with the fault ${id} fails the check of this name and no other`, async (t) => {
    const { states, messages } = await judge({ faults: [id] })
    t.same(states.failed, [id])
    // each part comes after the one before it
    let rest = messages[0] ?? ''
    for (const part of parts) {
      t.match(rest, part, 'the message names the fault')
      rest = rest.slice(rest.indexOf(part) + part.length)
    }
  })
}
