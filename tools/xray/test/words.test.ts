import t from 'tap'
import {
  caller,
  describeCount,
  describeStep,
  inOrder,
  matches,
  moment,
  nameStep,
  outcome,
  ticks,
  time,
} from '../page/words.js'
import type { Step, Trace } from '../server/trace.ts'

const trace: Trace = { id: 1, requestId: 'req-1', method: 'POST', path: '/users', at: 0, steps: [] }
const step = (members: Partial<Step>): Step => ({ kind: 'query', from: 0, to: 2, ...members })

t.test('a statement is named by its verb and its table', async (t) => {
  const names = {
    'SELECT * FROM users WHERE id = $1': 'SELECT users',
    'select "users".* from "users" where lower(email) = lower($1)': 'SELECT users',
    'insert into "xray"."seats" ("n") values ($1)': 'INSERT xray.seats',
    'UPDATE ONLY "posts" SET title = $1': 'UPDATE posts',
    'DELETE FROM posts': 'DELETE posts',
    'SELECT lower($1)': 'SELECT lower($1)',
    'SELECT pg_advisory_xact_lock(hashtext($1))': 'SELECT pg_advisory_xact_lock…',
    'SAVEPOINT s1': 'SAVEPOINT s1',
    'SELECT posts.*, (SELECT count(*) FROM votes WHERE post_id = id) FROM (SELECT * FROM posts WHERE (a OR b)) posts':
      'SELECT posts',
    '': 'Statement',
  }
  for (const [sql, name] of Object.entries(names)) t.equal(nameStep(step({ sql })), name)
  t.equal(nameStep(step({ kind: 'begin', sql: 'BEGIN; SET LOCAL x = 1' })), 'BEGIN')
})

t.test('a failed step is described in words', async (t) => {
  const failed = (members: Partial<Step>) => describeStep(step({ failed: true, ...members }), trace)
  t.equal(
    failed({ kind: 'token', failure: { code: 'JWT_KIT_SIGNATURE', part: 'signature' } }),
    'rejected because of its signature: JWT_KIT_SIGNATURE',
  )
  t.match(
    failed({ kind: 'token', failure: { code: 'JWT_KIT_EXPIRED', part: 'payload', claim: 'exp' } }),
    /claim exp/,
  )
  t.match(
    failed({ kind: 'commit', failure: { code: '23505', constraint: 'one_name' } }),
    /nothing is committed.*one_name.*23505/,
  )
  t.equal(failed({ failure: { code: '57P01' } }), 'failed: SQLSTATE 57P01')
  t.equal(failed({ kind: 'rollback', failure: { code: 'Error' } }), 'failed: the connection is lost')
  t.equal(failed({ kind: 'rollback', failure: { code: 'EPIPE' } }), 'failed: EPIPE')
  t.match(
    failed({ kind: 'hash', waited: 1, verdict: 'wrong-password' }),
    /queued 1.0 ms, worked 1.0 ms.*wrong/,
  )
})

t.test('the reason of a rollback is described in words', async (t) => {
  const why = (why: Step['why']) => describeStep(step({ kind: 'rollback', ...(why && { why }) }), trace)
  t.match(why({ because: 'thrown', code: 'EMAIL_TAKEN' }), 'EMAIL_TAKEN was thrown')
  t.match(why({ because: 'thrown', code: 'Error' }), 'an error was thrown')
  t.match(why({ because: 'response', status: 418 }), 'the response is 418')
  t.match(why({ because: 'disconnected' }), 'client disconnected')
  t.match(why({ because: 'asked' }), 'rollbackOnly')
  t.match(why({ because: 'retry' }), 'a retry')
})

t.test('a request’s outcome has a mark as well as a color', async (t) => {
  const marks = [200, 302, 404, 503].map((status) => outcome({ ...trace, ms: 1, status }).mark)
  t.same(marks, ['✓', '→', '✗', '✗'])
  t.equal(outcome(trace).words, 'in progress')
  t.equal(outcome({ ...trace, ms: 1, clientDisconnected: true }).words, 'client disconnected')
})

t.test('a request without a token differs from one whose caller is unknown', async (t) => {
  t.equal(caller({ ...trace, caller: { id: 7, role: 'admin' } }), 'user 7, admin')
  t.equal(
    caller({ ...trace, caller: { id: 7, role: 'user', name: 'a@example.com' } }),
    'user 7, a@example.com',
  )
  t.equal(caller(trace), 'no token')
  const rejected = step({ kind: 'token', failed: true, failure: { code: 'JWT_KIT_EXPIRED' } })
  t.equal(caller({ ...trace, steps: [rejected] }), 'unknown')
})

t.test('a filter requires all of its words, and none after a minus sign', async (t) => {
  const taken = { ...trace, ms: 1, status: 409, problem: { code: 'EMAIL_TAKEN' } }
  for (const filter of ['', 'post', 'POST /users', '409', 'email_taken', 'post -docs', 'req-1'])
    t.ok(matches(taken, filter), filter)
  for (const filter of ['get', 'post 201', '-post', 'post -users']) t.notOk(matches(taken, filter), filter)
})

t.test('the text about the number of requests distinguishes listed, kept and untraced ones', async (t) => {
  const counts = { listed: 24, kept: 24, total: 24, missed: 0 }
  t.equal(describeCount(counts), '24 requests')
  t.equal(describeCount({ ...counts, listed: 2 }), '2 of 24 requests')
  t.equal(describeCount({ listed: 200, kept: 200, total: 500, missed: 0 }), '200 of 500 requests kept')
  t.equal(
    describeCount({ listed: 2, kept: 200, total: 500, missed: 7 }),
    '2 listed, 200 of 500 requests kept, 7 more were not traced',
  )
  t.equal(describeCount({ listed: 0, kept: 0, total: 0, missed: 0 }), '')
})

t.test('an axis has a few round values', async (t) => {
  t.same(ticks(10), [0, 2, 4, 6, 8, 10])
  t.same(ticks(213), [0, 50, 100, 150, 200])
  t.same(ticks(0.8).length, 5)
  t.same(ticks(3_600).map(moment), ['0 ms', '1 s', '2 s', '3 s'])
  t.same(ticks(0.8).map(moment), ['0 ms', '0.2 ms', '0.4 ms', '0.6 ms', '0.8 ms'])
  for (const ms of [0.1, 1, 3.7, 99, 1234, 60_000])
    t.ok(ticks(ms).length >= 3 && ticks(ms).length <= 6, String(ms))
})

t.test('durations have at most three digits', async (t) => {
  t.same([0.123, 1.26, 45.6, 3_623, 12_345].map(time), ['0.12 ms', '1.3 ms', '46 ms', '3.62 s', '12.3 s'])
})

t.test('steps are sorted by when they began', async (t) => {
  const steps = [step({ from: 3, to: 4 }), step({ from: 1, to: 9 }), step({ from: 1, to: 2 })]
  t.same(
    inOrder(steps).map(({ to }) => to),
    [2, 9, 4],
  )
})
