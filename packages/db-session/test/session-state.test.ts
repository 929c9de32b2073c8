/** Walks the table of states and events with a real session, and compares it with the documentation. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { DbSessionError, type DbSessionErrorCode } from '../src/errors.ts'
import { parseSessionOptions, parseTransactionSpec } from '../src/options.ts'
import { SessionManager } from '../src/session-manager.ts'
import {
  type EventName,
  Scope,
  type StateName,
  TRANSITIONS,
  type Transition,
  transition,
} from '../src/session-state.ts'
import { openDatabase, openKnex, until, used } from './setup.ts'

const database = await openDatabase(t)
// a COMMIT waits for the lock that the test holds, and so does a statement that asks for it
await database.other.query(`
  create function wait() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock(7); return null; end $$;
  create constraint trigger at_commit after insert on posts deferrable initially deferred
    for each row execute function wait()`)
const knex = openKnex(database.url)
t.teardown(() => knex.destroy())
const settings = parseSessionOptions({ knex, cancelTimeoutMs: 100 }, [])
const manager = new SessionManager(settings, console)
t.teardown(() => manager.close())

const STATES = Object.keys(TRANSITIONS) as StateName[]
const EVENTS = [...new Set(STATES.flatMap((state) => Object.keys(TRANSITIONS[state])))] as EventName[]
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Opens a session in the state `idle`, with a transaction whose COMMIT waits until `release` is called. */
async function openSession() {
  await database.other.query('select pg_advisory_lock(7)')
  const spec = parseTransactionSpec(settings)
  const { session, db } = manager.open({ owner: 'test', spec, isUnit: true, log: console, begin: [] })
  await db('posts').insert({ title: 'x' })
  let isReleased = false
  const release = async () => {
    if (isReleased) return
    isReleased = true
    await database.other.query('select pg_advisory_unlock(7)')
  }
  return { session, db, release }
}
type Opened = Awaited<ReturnType<typeof openSession>>

const isWaiting = async () =>
  (
    await database.see(
      "select 1 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())",
    )
  ).length === 1

/** Brings a session into each state. */
const reach: Record<StateName, (opened: Opened) => Promise<unknown>> = {
  idle: async () => {},
  busy: async ({ db }) => {
    db.query('select pg_advisory_xact_lock(7)').catch(() => {})
    await until(isWaiting)
  },
  committing: async ({ db }) => {
    db.commit()
    await until(isWaiting)
  },
  finishing: async ({ session }) => {
    session.finish().catch(() => {})
    await until(isWaiting)
  },
  ended: async ({ session, release }) => {
    await release()
    await session.finish()
  },
}

/** Causes each event. */
const cause: Record<EventName, (opened: Opened) => Promise<unknown>> = {
  statement: ({ db }) => db.query('select 1'),
  reply: ({ release }) => release(),
  savepoint: ({ db }) => db.savepoint(async () => {}),
  commit: ({ db }) => db.commit(),
  finish: ({ session }) => session.finish(),
  abort: ({ session }) => session.abort(new DbSessionError('DB_SESSION_OVER')),
  done: ({ release }) => release(),
}

/** The codes of events that are rejected. */
const REFUSALS: Partial<Record<Transition, DbSessionErrorCode>> = {
  over: 'DB_SESSION_OVER',
  'not awaited': 'DB_SESSION_NOT_AWAITED',
}

/** A reply in these states belongs to a statement that was under way when the session was aborted. */
const isLateReply = (state: StateName, event: EventName) =>
  event === 'reply' && (state === 'finishing' || state === 'ended')

for (const state of STATES) {
  for (const [event, expected] of Object.entries(TRANSITIONS[state]) as [EventName, Transition][]) {
    if (isLateReply(state, event)) continue
    t.test(`in the state ${state}, the event ${event} leads to the state ${expected}`, async (t) => {
      const opened = await openSession()
      const { session, release } = opened
      await reach[state](opened)
      t.equal(session.state, state)
      let isSettled = false
      const result = cause[event](opened).then(
        () => 'resolved',
        (error) => error.code ?? error,
      )
      const settled = result.then((value) => {
        isSettled = true
        return value
      })
      if (expected in REFUSALS) t.equal(await settled, REFUSALS[expected])
      else if (expected === 'wait') {
        await turn()
        t.equal(isSettled, false)
        t.equal(session.state, state)
        await release()
        t.equal(await settled, 'resolved')
      } else if (expected === 'ignore') {
        t.equal(await settled, 'resolved')
        t.equal(session.state, state)
      } else {
        await until(() => session.state === expected, expected)
        await release()
        t.equal(await settled, 'resolved')
      }
      await release()
      await session.abort(new DbSessionError('DB_SESSION_OVER'))
      t.equal(session.state, 'ended')
      t.equal(used(knex), 0)
    })
  }
}

t.test('in the state finishing, the reply to an aborted statement does not change the state', async (t) => {
  const opened = await openSession()
  const { session, db, release } = opened
  const statement = db.query('select pg_advisory_xact_lock(7)').catch((error) => error.code)
  await until(isWaiting)
  const aborted = session.abort(new DbSessionError('DB_SESSION_OVER'))
  t.equal(session.state, 'finishing')
  t.equal(await statement, 'DB_SESSION_OVER')
  await aborted
  t.equal(session.state, 'ended')
  t.equal(used(knex), 0)
  await release()
})

t.test('an event that the table does not list cannot occur', (t) => {
  for (const state of STATES)
    for (const event of EVENTS)
      if (TRANSITIONS[state][event] === undefined)
        t.throws(() => transition(state, event), { message: `No ${event} can occur in the state ${state}` })
      else t.equal(transition(state, event), TRANSITIONS[state][event])
  t.end()
})

t.test('closing a scope closes the scopes inside it', (t) => {
  const root = new Scope()
  const child = new Scope(root)
  t.equal(root.refusal?.code, 'DB_SESSION_SAVEPOINT_OPEN')
  t.equal(child.refusal, undefined)
  t.same([child.isWithin(root), root.isWithin(child), child.depth], [true, false, 1])
  root.close()
  t.equal(child.refusal?.code, 'DB_SESSION_OVER')
  t.end()
})

t.test('the documentation has the same table of states', (t) => {
  const page = readFileSync(new URL('../../../docs/explanation/transactions.md', import.meta.url), 'utf8')
  const section = page.split(/^## /m).find((part) => part.startsWith('The states of a session')) ?? ''
  const table = section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
  const cell = (value: Transition | undefined) => {
    if (value === undefined) return ''
    if (value === 'wait') return 'waits'
    if (value === 'ignore') return 'nothing'
    const code = REFUSALS[value]
    return code === undefined ? `\`${value}\`` : `[${value}](../errors/${code}.md)`
  }
  t.same(table[0], ['', ...STATES.map((state) => `\`${state}\``)])
  t.same(
    table.slice(2),
    EVENTS.map((event) => [`\`${event}\``, ...STATES.map((state) => cell(TRANSITIONS[state][event]))]),
  )
  t.end()
})
