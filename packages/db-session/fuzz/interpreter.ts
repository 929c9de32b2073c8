import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Knex } from 'knex'
import { Model } from 'objection'
import type { DbSession } from '../src/index.ts'
import type { Failure, Step, Via } from './program.ts'
import { createScope, getCode, type Scope, type SessionTrace, type Trace } from './trace.ts'

/** The context in which a step runs. */
export interface Place {
  readonly app: FastifyInstance
  readonly request: FastifyRequest
  readonly trace: Trace
  readonly session: SessionTrace
  /** Called for each step, like the getter `request.db`. */
  readonly db: () => DbSession
  /** The savepoint, if the step is in one. */
  readonly scope: Scope | undefined
}

/** The program's own error: its status, code and message must reach the client. */
export class OwnError extends Error {
  readonly code = 'FUZZ_OWN'
  readonly statusCode: number
  constructor(statusCode: number, cause?: unknown) {
    super('an error of the program', { cause })
    this.statusCode = statusCode
  }
}

class Entry extends Model {
  static override tableName = 'entries'
}

export async function run(steps: readonly Step[], place: Place): Promise<void> {
  for (const step of steps) await perform(step, place)
}

async function perform(step: Step, place: Place): Promise<void> {
  const { trace, session, scope } = place
  switch (step.kind) {
    case 'insert':
      return insert(place, step.via, step.slow)
    case 'look':
      return look(place, step.via)
    case 'increment':
      return increment(place, step.counter)
    case 'setting':
      await session.statement('setting', scope, undefined, () =>
        place.db().query("select set_config('fuzz.extra', $1, true)", [String(trace.program.index)]),
      )
      return
    case 'fail':
      return fail(place, step)
    case 'stream':
      return stream(place, step.rows, step.leave)
    case 'savepoint':
      return savepoint(place, step)
    case 'unit of work':
      return unitOfWork(place, step)
    case 'commit':
      return commit(place)
    case 'rollbackOnly':
      place.db().rollbackOnly()
      if (scope) scope.rolledBack = true
      else session.rollbackOnly = true
      return
    case 'afterCommit':
      return afterCommit(place)
    case 'pause':
      await sleep(step.ms)
      return
    case 'disconnect':
      trace.excuse = 'the client disconnected'
      trace.disconnected = true
      trace.disconnect()
      // once the response is complete, the client has nothing left to disconnect
      while (step.wait && !trace.response && !place.request.raw.socket.destroyed) await sleep(1)
      return
    case 'together':
      await Promise.all(step.steps.map((each) => perform(each, place)))
      return
    case 'float':
      trace.track(() => perform(step.step, place)).catch(() => {})
      return
    case 'unwatched':
      return unwatched(place, step.what)
    case 'forget':
      place
        .db()('entries')
        .insert({ request: trace.program.index, label: `${trace.label()} forgotten` })
      return
    case 'late':
      trace.track(() => sleep(step.ms).then(() => insert(place, 'query'))).catch(() => {})
      return
  }
}

async function insert({ db, trace, session, scope }: Place, via: Via, slow = false): Promise<void> {
  const request = trace.program.index
  const label = trace.label()
  const isSentAtOnce = slow || isDirect(via)
  await session.statement(
    `insert ${via}`,
    scope,
    label,
    () => {
      const to = db()
      if (slow) {
        const text = 'insert into entries (request, label) select $1, $2 from pg_sleep(0.02)'
        return to.query(text, [request, label])
      }
      const text = 'insert into entries (request, label) values'
      switch (via) {
        case 'query':
          return to.query(`${text} ($1, $2)`, [request, label])
        case 'array':
          return to.query({
            text: `${text} ($1, $2) returning id`,
            values: [request, label],
            rowMode: 'array',
          })
        case 'text':
          return to.query(`${text} (${request}, '${label}')`)
        case 'raw':
          return to.raw(`${text} (?, ?)`, [request, label])
        case 'knex':
          return to('entries').insert({ request, label })
        case 'objection':
          return Entry.query(to).insert({ request, label } as object)
      }
    },
    isSentAtOnce,
  )
}

/** knex and Objection reach the session some ticks later. */
function isDirect(via: Via): boolean {
  return via === 'query' || via === 'array' || via === 'text'
}

async function increment({ db, trace, session, scope }: Place, counter: number): Promise<void> {
  const label = trace.label()
  await session.statement('increment', scope, label, () =>
    db().query(
      `with counted as (update counters set n = n + 1 where id = $3)
      insert into entries (request, label, counter) values ($1, $2, $3)`,
      [trace.program.index, label, counter],
    ),
  )
}

const LOOK = `select pg_current_xact_id()::text as xid, current_setting('fuzz.request', true) as request,
  current_setting('fuzz.extra', true) as extra, current_setting('statement_timeout') as timeout`

async function look({ db, trace, session, scope }: Place, via: Via): Promise<void> {
  const { transaction } = session
  const row: Looked = await session.statement(
    `look ${via}`,
    scope,
    undefined,
    async () => {
      const to = db()
      if (via === 'array') {
        const { rows } = await to.query({ text: LOOK, rowMode: 'array' })
        const [xid, request, extra, timeout] = rows[0]
        return { xid, request, extra, timeout }
      }
      if (via === 'query') return (await to.query(LOOK)).rows[0]
      if (via === 'text') return (await to.query(`${LOOK} where $1 = 1`, [1])).rows[0]
      return (await to.raw(LOOK)).rows[0]
    },
    isDirect(via),
  )
  const index = String(trace.program.index)
  const wrong = (what: string): void => void trace.violations.push(`a statement ${what}`)
  if (row.request !== index) wrong(`saw the \`begin\` setting '${row.request}' rather than '${index}'`)
  if (row.extra && row.extra !== index) wrong(`saw a setting of request ${row.extra}`)
  if (row.timeout !== '1s') wrong(`ran with the statement timeout ${row.timeout}`)
  if (session.oneMessage) return
  transaction.xid ??= row.xid
  if (transaction.xid !== row.xid) wrong(`ran in transaction ${row.xid} rather than ${transaction.xid}`)
}

interface Looked {
  readonly xid: string
  readonly request: string
  readonly extra: string
  readonly timeout: string
}

async function fail(place: Place, step: Extract<Step, { kind: 'fail' }>): Promise<void> {
  const { db, trace, session, scope } = place
  if (step.failure === 'conflict' && trace.runs > step.times) return
  try {
    await session.statement(step.failure, scope, undefined, () => send(db(), step.failure), false)
  } catch (error) {
    // these lose the connection, so a savepoint around them cannot be rolled back on its own
    // in a one-message session, a failed statement fails later ones only if a transaction was opened
    if (['kill', 'unsendable', 'timeout'].includes(step.failure) || session.oneMessage) {
      trace.excuse = `a statement failed: ${step.failure}`
    }
    if (step.outcome === 'throw') throw error
    if (step.outcome === 'wrap') throw new OwnError(422, error)
    return
  }
  trace.violations.push(`a statement that must fail did not: ${step.failure}`)
}

function send(db: Knex & DbSession, failure: Failure): PromiseLike<unknown> {
  switch (failure) {
    case 'division':
      return db.raw('select 1 / ?::int', [0])
    case 'unique':
      return db('entries').insert({ request: -1, label: 'taken' })
    case 'unsendable':
      return db.query('select $1::text', [UNSENDABLE])
    case 'timeout':
      return db.raw('select pg_sleep(0.7)').timeout(10)
    case 'kill':
      return db.query('select pg_terminate_backend(pg_backend_pid())')
    case 'conflict':
      return db.raw("do $$ begin raise exception 'a conflict' using errcode = '40001'; end $$")
  }
}

const UNSENDABLE = {
  toPostgres(): never {
    throw new Error('this value cannot be sent')
  },
}

async function stream(place: Place, rows: number, leave: 'end' | 'break' | 'destroy'): Promise<void> {
  const { db, trace, session, scope } = place
  const read = await session.statement(
    `stream ${leave}`,
    scope,
    undefined,
    async () => {
      const stream = db().raw('select generate_series(1, ?::int) as n', [rows]).stream()
      if (leave === 'destroy') {
        stream.on('error', () => {})
        stream.destroy()
        return 0
      }
      let count = 0
      for await (const row of stream) {
        count++
        if (row.n !== count) trace.violations.push(`a row stream gave ${row.n} rather than ${count}`)
        if (leave === 'break' && count === 5) break
      }
      return count
    },
    false,
  )
  if (leave === 'end' && read !== rows) trace.violations.push(`a row stream gave ${read} of ${rows} rows`)
}

async function savepoint(place: Place, step: Extract<Step, { kind: 'savepoint' }>): Promise<void> {
  const { session } = place
  const parent = place.scope ?? session.transaction.root
  const scope = createScope(parent)
  const work = async (inner: Knex): Promise<void> => {
    const db = inner as DbSession
    await run(step.steps, { ...place, db: () => db, scope })
    if (step.outcome === 'throw') throw new OwnError(422)
    if (step.outcome === 'rollbackOnly') db.rollbackOnly()
  }
  try {
    await session.wait(
      () => {
        if (step.via === 'objection') return Model.transaction(place.db(), work)
        return step.via === 'savepoint' ? place.db().savepoint(work) : place.db().transaction(work)
      },
      place.scope,
      step.via !== 'objection',
    )
    if (step.outcome === 'rollbackOnly') scope.rolledBack = true
    else parent.failed ||= scope.failed && !scope.rolledBack
  } catch (error) {
    scope.rolledBack = true
    if (!step.caught) throw error
  }
}

/** Rejections of a commit or unit of work after which Postgres may have committed. */
const UNCERTAIN = new Set(['DB_SESSION_COMMIT_OUTCOME_UNKNOWN', 'DB_SESSION_ABORTED'])
const decideFate = (error: unknown) => (UNCERTAIN.has(getCode(error)) ? 'either' : 'rolled back')

async function unitOfWork(place: Place, step: Extract<Step, { kind: 'unit of work' }>): Promise<void> {
  const { app, trace, session } = place
  let last: SessionTrace | undefined
  const work = async (db: DbSession): Promise<void> => {
    last?.end('rolled back')
    const unit = trace.open('unit of work')
    last = unit
    try {
      await run(step.steps, { ...place, db: () => db, session: unit, scope: undefined })
      if (step.outcome === 'throw') throw new OwnError(422)
    } finally {
      unit.returned()
    }
  }
  const options = { retry: step.retry, begin: marker(trace.program.index) }
  try {
    if (step.via === 'app') await app.unitOfWork(work, options)
    // a unit of work without a statement ends some ticks later
    else await session.wait(() => place.db().unitOfWork(work, options), place.scope, false)
    const reason = last?.mustFail
    if (reason) trace.violations.push(`a unit of work resolved although ${reason}`)
    last?.end('committed')
  } catch (error) {
    last?.end(decideFate(error))
    if (!step.caught) throw error
  }
}

/** The statement that `begin` sends with each BEGIN: it marks the transaction with the number of the request. */
export function marker(index: number | string): { text: string; values: unknown[] } {
  return { text: "select set_config('fuzz.request', $1, true)", values: [String(index)] }
}

async function commit({ db, session, trace }: Place): Promise<void> {
  const { transaction } = session
  const promise = db().commit()
  session.beginTransaction()
  try {
    await promise
    transaction.fate = 'committed'
    trace.committedEarly = true
  } catch (error) {
    transaction.fate = decideFate(error)
    // after `rollbackOnly()` and in a savepoint, a commit has no effect
    if (getCode(error) !== 'DB_SESSION_NOT_ON_A_SESSION') session.commitFailed = true
    throw error
  }
}

function afterCommit({ db, trace, session, scope }: Place): void {
  const label = `${trace.label()} called`
  const { transaction } = session
  db().afterCommit(() => trace.called.push(label))
  transaction.operations.push({
    label,
    what: 'afterCommit',
    transaction,
    scope,
    isSentAtOnce: true,
    state: 'done',
  })
}

/** Promises without any handler: they must not crash the process. */
function unwatched(
  { db, trace, session, scope }: Place,
  what: Extract<Step, { kind: 'unwatched' }>['what'],
): void {
  trace.excuse = `a promise was not observed: ${what}`
  switch (what) {
    case 'query':
      void db().query('select pg_sleep(0.005)')
      return
    case 'failing query':
      void db().query('select 1 / 0')
      return
    case 'savepoint':
      void db().savepoint((inner) => inner.query('select 1 / 0'))
      return
    case 'unit of work':
      void db().unitOfWork((unit) => unit.query('select 1 / 0'))
      return
    case 'stream':
      db().raw('select generate_series(1, 300)').stream()
      return
    case 'commit':
      void db().commit()
      // in a savepoint it is rejected
      if (scope) return
      session.transaction.fate = 'either'
      trace.committedEarly = true
      session.beginTransaction()
  }
}
