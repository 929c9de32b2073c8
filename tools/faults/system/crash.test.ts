import t from 'tap'
import { crash } from '../src/crash/crash.ts'
import { interpretOutcome, type Outcome } from '../src/crash/outcome.ts'
import { format } from '../src/crash/report.ts'
import { schedule } from '../src/crash/schedule.ts'
import { judge } from '../src/crash/verdict.ts'
import { type HttpResponse, NoResponse } from '../src/http.ts'

t.test(
  'every acknowledged post is stored exactly once when the service and Postgres are killed',
  async (t) => {
    const report = await crash(t, { posts: 2_000, clients: 16, kills: 5, restarts: 3, seed: 20_261_122 })
    t.comment(format(report))
    t.same(report.violations, [])
    const unknown = [...report.unknown.values()].reduce((sum, { posts }) => sum + posts, 0)
    t.equal(report.acknowledged + unknown, 2_000, 'each post was acknowledged, or its outcome is unknown')
    t.ok(report.unknown.has('connection lost'), 'the kills interrupted posts')
    t.ok(report.refused.has('503 DATABASE_UNAVAILABLE'), 'the restarts did too')
  },
)

t.test('posts that Postgres loses in a crash are reported as lost', async (t) => {
  const report = await crash(t, {
    posts: 200,
    clients: 16,
    kills: 0,
    restarts: 1,
    seed: 1,
    // The COMMIT completes before it is written to disk.
    settings: { synchronous_commit: 'off', wal_writer_delay: '10s' },
  })
  t.ok(report.violations.some((one) => one.endsWith('acknowledged, and lost')))
})

t.test('judge() names every difference between responses and the database', async (t) => {
  const sent = (title: string, last: Exclude<Outcome, { kind: 'refused' }>) => ({ title, content: 'c', last })
  const row = (id: number, title: string, content = 'c') => ({ id, title, content })
  const acknowledged = sent('a', { kind: 'acknowledged', id: 1 })
  const unknown = sent('b', { kind: 'unknown', how: 'connection lost' })

  const fine = judge([acknowledged, unknown, { ...unknown, title: 'c' }], [row(1, 'a'), row(2, 'b')])
  t.same(fine.violations, [])
  t.equal(fine.acknowledged, 1)
  t.same([...fine.unknown], [['connection lost', { posts: 2, stored: 1 }]])

  for (const [violation, posts, rows] of [
    ['a: acknowledged, and lost', [acknowledged], []],
    ['a: there 2 times', [acknowledged], [row(1, 'a'), row(2, 'a')]],
    ['a: acknowledged with id 1, and has id 2', [acknowledged], [row(2, 'a')]],
    ['a: stored with another content', [acknowledged], [row(1, 'a', '')]],
    ['b: there 2 times', [unknown], [row(1, 'b'), row(2, 'b')]],
    ['d: stored, although it was refused', [acknowledged], [row(1, 'a'), row(2, 'd')]],
    ['a: 500', [sent('a', { kind: 'fault', how: '500' })], []],
  ] as const) {
    t.same(judge(posts, rows).violations, [violation])
  }
})

t.test('interpretOutcome() explains every response by an outage, or reports a fault', async (t) => {
  const calm = { serviceDown: false, databaseDown: false }
  const killed = { ...calm, serviceDown: true }
  const restarted = { ...calm, databaseDown: true }
  const response = (status: number, body: object): HttpResponse => ({
    status,
    headers: {},
    mediaType: 'application/json',
    text: JSON.stringify(body),
  })
  const problem = (code: string) => response(503, { code })
  for (const [kind, result, outages] of [
    ['acknowledged', response(201, { id: 1, title: 'a' }), calm],
    ['fault', response(201, { id: 1, title: 'b' }), calm],
    ['unknown', problem('COMMIT_OUTCOME_UNKNOWN'), restarted],
    ['fault', problem('COMMIT_OUTCOME_UNKNOWN'), calm],
    ['refused', problem('DATABASE_UNAVAILABLE'), restarted],
    ['fault', problem('DATABASE_UNAVAILABLE'), killed],
    ['refused', problem('OVERLOADED'), calm],
    ['fault', response(500, { code: 'INTERNAL' }), restarted],
    ['fault', response(401, { code: 'TOKEN_INVALID' }), restarted],
    ['refused', new NoResponse('refused'), killed],
    ['fault', new NoResponse('refused'), restarted],
    ['unknown', new NoResponse('lost'), killed],
    ['fault', new NoResponse('lost'), restarted],
    ['fault', new NoResponse('cut'), killed],
    ['fault', new NoResponse('late'), killed],
  ] as const) {
    t.equal(interpretOutcome(result, 'a', outages, undefined).kind, kind)
  }
  t.equal(interpretOutcome(problem('OVERLOADED'), 'a', calm, 'the document declares no 503').kind, 'fault')
})

t.test('schedule() spreads disturbances over the run, and repeats them for the same seed', async (t) => {
  const plan = { posts: 800, kills: 5, restarts: 3, seed: 1 }
  const planned = schedule(plan)
  t.same(schedule(plan), planned)
  t.notSame(schedule({ ...plan, seed: 2 }), planned)
  t.equal(planned.filter(({ what }) => what === 'kill').length, 5)
  t.equal(planned.length, 8)
  planned.forEach(({ after }, index) => {
    t.ok(after > index * 100 && after < (index + 1) * 100)
  })
})
