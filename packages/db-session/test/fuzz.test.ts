import t from 'tap'
import { Checker, checkResponse, type Row } from '../fuzz/check.ts'
import { OwnError } from '../fuzz/interpreter.ts'
import { generate, type Program, type Step } from '../fuzz/program.ts'
import { type SessionTrace, Trace } from '../fuzz/trace.ts'

/*
 * The fuzz program finds only the faults that its checks detect. Each check detects the fault that it is for, and reports
 * none for the same request without that fault.
 */

const PROGRAM: Program = {
  index: 7,
  route: 'write-retry',
  careful: true,
  hook: [],
  steps: [],
  end: { kind: 'reply', status: 201 },
}
const row = (label: string, further: Partial<Row> = {}): Row => ({
  request: 7,
  label,
  counter: null,
  xid: '100',
  marker: '7',
  ...further,
})

/** A request that inserted two rows in one transaction, and got a 201. */
async function request(program: Partial<Program> = {}): Promise<{ trace: Trace; session: SessionTrace }> {
  const trace = new Trace({ ...PROGRAM, ...program })
  const session = trace.open('request')
  trace.runs = 1
  trace.returned = true
  trace.response = { status: 201, body: '{}' }
  for (const label of ['a', 'b']) await session.statement('insert', undefined, label, async () => {})
  return { trace, session }
}
const BOTH = [row('a'), row('b')]
const respond = (trace: Trace, status: number, code: string): void => {
  trace.response = { status, body: JSON.stringify({ code }) }
}
const failing = async (): Promise<never> => {
  throw Object.assign(new Error('failed'), { code: '22012' })
}

t.test('a program is the same for the same seed and index, and another one otherwise', async (t) => {
  t.same(generate(1, 2), generate(1, 2))
  t.notSame(generate(1, 2), generate(1, 3))
  t.notSame(generate(1, 2), generate(2, 2))
})

t.test('steps that are excluded are not generated', async (t) => {
  const kinds = (steps: readonly Step[]): string[] =>
    steps.flatMap((step) => [
      step.kind,
      ...('steps' in step ? kinds(step.steps) : 'step' in step ? kinds([step.step]) : []),
    ])
  const all = Array.from({ length: 200 }, (_, index) => generate(1, index, new Set(['commit', 'float'])))
  const generated = new Set(all.flatMap(({ steps }) => kinds(steps)))
  t.notOk(generated.has('commit') || generated.has('float'))
  t.ok(generated.has('insert') && generated.has('savepoint'))
})

t.test('a request whose rows are all committed passes every check', async (t) => {
  const { trace } = await request()
  t.same(checkResponse(trace, BOTH), [])
  t.same(new Checker().check(trace, BOTH), [])
})

t.test('a row that is missing although a success acknowledged it is reported', async (t) => {
  const { trace } = await request()
  t.match(checkResponse(trace, [row('a')]), [/b was not committed yet/])
  t.match(new Checker().check(trace, [row('a')]), [/b was committed, and is lost/])
})

t.test('a row of a rejected request is reported, unless its outcome is unknown', async (t) => {
  const { trace } = await request()
  respond(trace, 500, 'FUZZ_OWN')
  t.match(new Checker().check(trace, BOTH), [/a is stored, and .*rolled back/, /b is stored/])
  const unknown = await request()
  respond(unknown.trace, 503, 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN')
  t.same(new Checker().check(unknown.trace, BOTH), [])
  t.same(new Checker().check(unknown.trace, []), [])
})

t.test('a transaction that is committed in part is reported, even if its outcome is unknown', async (t) => {
  const { trace } = await request()
  respond(trace, 503, 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN')
  t.match(new Checker().check(trace, [row('b')]), [/a part of a transaction is stored: b, not a/])
})

t.test('a row of a savepoint that was rolled back is reported', async (t) => {
  const { trace, session } = await request()
  const scope = { parent: session.transaction.root, rolledBack: true, failed: false }
  await session.statement('insert', scope, 'c', async () => {})
  t.same(new Checker().check(trace, BOTH), [])
  t.match(new Checker().check(trace, [...BOTH, row('c')]), [/c was rolled back or refused, and is stored/])
})

t.test('a row of an earlier run of the handler is reported', async (t) => {
  const { trace } = await request()
  const second = trace.open('request')
  await second.statement('insert', undefined, 'c', async () => {})
  t.same(new Checker().check(trace, [row('c')]), [])
  t.match(new Checker().check(trace, [row('a'), row('c', { xid: '101' })]), [/a is stored/])
})

t.test('a transaction that serves two requests, or changes within one request, is reported', async (t) => {
  const { trace } = await request()
  t.match(new Checker().check(trace, [row('a'), row('b', { xid: '101' })]), [
    /b was stored in transaction 101, not 100/,
  ])
  const checker = new Checker()
  const other = await request({ index: 8 })
  t.same(checker.check((await request()).trace, BOTH), [])
  t.match(checker.check(other.trace, [row('a', { marker: '8' }), row('b', { marker: '8' })]), [
    /one Postgres transaction served .* request 8 and .* request 7/,
  ])
})

t.test("a row with another request's setting is reported, and a row that no request inserted", async (t) => {
  const { trace } = await request()
  t.match(new Checker().check(trace, [row('a'), row('b', { marker: '9' })]), [/b was inserted with .*'9'/])
  t.match(new Checker().check(trace, [...BOTH, row('x')]), [/x is stored, and was never awaited or sent/])
})

t.test('a success although a statement failed or was under way is reported', async (t) => {
  const swallowed = await request()
  await swallowed.session.statement('division', undefined, undefined, failing).catch(() => {})
  t.match(checkResponse(swallowed.trace, BOTH), [/201 although one of its statements failed/])
  const forgotten = await request()
  void forgotten.session.statement('sleep', undefined, undefined, () => new Promise(() => {}))
  forgotten.session.returned()
  t.match(checkResponse(forgotten.trace, BOTH), [/201 although a part of it was under way/])
  t.match(new Checker().check(forgotten.trace, BOTH), [/a statement hangs: sleep/])
})

t.test('an error without a cause is reported, and a lost connection is a cause', async (t) => {
  const { trace } = await request()
  respond(trace, 500, 'DB_SESSION_NOT_AWAITED')
  t.match(checkResponse(trace, []), [/succeeded with 201, and the response was 500/])
  respond(trace, 503, 'DB_SESSION_CONNECTION_LOST')
  t.same(checkResponse(trace, []), [])
})

t.test("an error that replaces the program's own is reported, and so is SQL in a response", async (t) => {
  const { trace } = await request()
  trace.thrown = new OwnError(422)
  respond(trace, 422, 'FUZZ_OWN')
  t.same(checkResponse(trace, []), [])
  trace.response = { status: 409, body: '{"code":"DB_SESSION_CONSTRAINT","message":"insert into entries"}' }
  t.match(checkResponse(trace, []), [/shows SQL/, /threw its own 422/])
})

t.test('a run too many is reported, and so is a missing one', async (t) => {
  const { trace } = await request()
  trace.runs = 5
  t.match(checkResponse(trace, BOTH), [/ran 5 times/])
  const hooked = await request({ hook: [{ kind: 'setting' }] })
  hooked.trace.runs = 2
  t.match(checkResponse(hooked.trace, BOTH), [/although a hook had used the session/])
  const conflict = await request()
  conflict.trace.thrown = Object.assign(new Error('conflict'), { code: '40001' })
  respond(conflict.trace, 409, 'DB_SESSION_SERIALIZATION')
  t.match(checkResponse(conflict.trace, []), [/a conflict in run 1 was not retried/])
})
