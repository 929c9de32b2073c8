import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect } from 'node:net'
import { Registry } from 'prom-client'
import t from 'tap'
import { callRaw, serve } from '../../../test-support/social-api.ts'
import { createMetricsServer } from '../platform/metrics.ts'

t.test('metrics count requests, passwords, sessions and connections, and name no user', async (t) => {
  const registry = new Registry()
  const { app, call, signUp, url } = await serve(t, { metrics: registry, bcryptCost: 10 })
  const { id, token } = await signUp('ann@example.com')
  await call('POST', '/login', { form: { username: 'ann@example.com', password: 'a wrong password' } })
  await call('POST', '/login', { form: { username: 'nobody@example.com', password: 'a wrong password' } })
  await call('POST', '/users', { json: { email: 'ann@example.com', password: 'a good password' } })
  await call('GET', `/users/${id}`, { token })
  for (let i = 0; i < 20; i += 1) await call('GET', `/ann@example.com/${i}`)
  await callRaw(url, '/health', { method: 'PROPFIND' })
  await callRaw(url, '/health', { method: 'MKCOL' })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.end('BREW\r\n\r\n')
  for await (const _answer of socket);

  const text = await registry.metrics()
  const samples = parse(text)
  const value = (name: string, labels: Record<string, string> = {}) =>
    samples
      .filter((sample) => sample.name === name)
      .filter((sample) => Object.entries(labels).every(([label, at]) => sample.labels[label] === at))
      .reduce((sum, sample) => sum + sample.value, 0)
  const count = 'http_request_duration_seconds_count'

  t.equal(value(count, { method: 'POST', route: '/login', status: '403' }), 2)
  t.equal(value(count, { route: '/users', status: '201' }), 1)
  t.equal(value(count, { route: '/users', status: '409' }), 1)
  t.equal(value(count, { method: 'GET', route: '/users/:id', status: '200' }), 1)
  t.equal(value(count, { route: 'none', status: '404' }), 20)
  t.equal(value(count, { method: 'other', route: 'none', status: '405' }), 2)
  t.equal(samples.filter(({ name, labels }) => name === count && labels.route === 'none').length, 2)
  t.equal(value('http_broken_requests_total', { reason: 'malformed' }), 1)
  t.ok(value('http_connections') > 0)

  t.equal(value('auth_hash_verdicts_total', { verdict: 'ok' }), 1)
  t.equal(value('auth_hash_verdicts_total', { verdict: 'wrong-password' }), 1)
  t.equal(value('auth_hash_verdicts_total', { verdict: 'no-hash' }), 1)
  t.equal(value('auth_hash_work_seconds_count'), 5)
  t.ok(value('auth_hash_work_seconds_sum') > 0.05)
  t.equal(value('auth_hash_wait_seconds_count'), 5)
  t.equal(value('auth_hash_running') + value('auth_hash_waiting') + value('auth_hash_overloaded_total'), 0)

  t.equal(value('db_sessions_total', { outcome: 'committed' }), 3)
  t.equal(value('db_sessions_total', { outcome: 'rolled back' }), 1)
  t.equal(value('db_session_wait_seconds_count'), 4)
  t.equal(value('db_pool_used'), 0)
  t.equal(value('db_pool_free'), app.knex.client.pool.numFree())
  t.equal(value('db_pool_max'), 5)
  t.ok(value('process_resident_memory_bytes') > 0)

  for (const secret of ['ann@', 'nobody', token, '127.0.0.1']) t.notMatch(text, secret)
})

t.test('metrics distinguish a COMMIT that fails from one whose outcome is unknown', async (t) => {
  const registry = new Registry()
  const { app } = await serve(t, { metrics: registry })
  await app.knex.raw(
    'ALTER TABLE posts ALTER CONSTRAINT posts_owner_id_foreign DEFERRABLE INITIALLY DEFERRED',
  )
  await t.rejects(app.unitOfWork((db) => db('posts').insert({ title: 'a', content: 'b', owner_id: 7 })))
  // The backend ends itself during the COMMIT.
  await app.knex.raw(`
    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION die()`)
  await t.rejects(
    app.unitOfWork((db) => db('users').insert({ email: 'ann@example.com', password: 'x' })),
    { code: 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN' },
  )
  const outcomes = parse(await registry.metrics())
    .filter(({ name }) => name === 'db_sessions_total')
    .map(({ labels, value }) => [labels.outcome, value])
  t.same(Object.fromEntries(outcomes), { 'commit failed': 1, 'outcome unknown': 1 })
})

t.test('metrics are served in the format of Prometheus', async (t) => {
  const registry = new Registry()
  const app = createMetricsServer(registry)
  const response = await app.inject('/metrics')
  t.equal(response.statusCode, 200)
  t.match(response.headers['content-type'], /^text\/plain; version=0\.0\.4/)
})

t.test('without METRICS_PORT there are no metrics, and no channel has a subscriber', async (t) => {
  const { call } = await serve(t)
  t.equal((await call('GET', '/metrics')).status, 404)
  const name = 'auth-primer:db-session:begin'
  const { channel } = await import('node:diagnostics_channel')
  t.equal(channel(name).hasSubscribers, false)
  const listener = () => {}
  subscribe(name, listener)
  t.equal(channel(name).hasSubscribers, true)
  unsubscribe(name, listener)
})

interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/** Parses Prometheus's text format 0.0.4; throws if the text is invalid. */
function parse(text: string): Sample[] {
  const types = new Map<string, string>()
  const seen = new Set<string>()
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const type = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary|untyped)$/.exec(line)
    if (type) {
      const [, name = '', kind = ''] = type
      if (types.has(name)) throw new Error(`a second TYPE: ${line}`)
      types.set(name, kind)
      continue
    }
    if (line === '' || /^# HELP [a-zA-Z_:][\w:]* ./.test(line)) continue
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (NaN|[+-]?Inf|[+-]?[\d.]+(?:e[+-]?\d+)?)$/.exec(line)
    if (!sample) throw new Error(`not a sample: ${line}`)
    const [, name = '', list = '', number = ''] = sample
    if (seen.has(`${name}{${list}}`)) throw new Error(`twice: ${line}`)
    seen.add(`${name}{${list}}`)
    const labels: Record<string, string> = {}
    const rest = list.replace(/([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/g, (_all, label, value) => {
      labels[label] = value
      return ''
    })
    if (rest !== '') throw new Error(`invalid labels: ${line}`)
    const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
    if (!types.has(family)) throw new Error(`without a TYPE before it: ${line}`)
    samples.push({ name, labels, value: Number(number) })
  }
  for (const [family, kind] of types) if (kind === 'histogram') checkHistogram(family, samples)
  return samples
}

/** Throws unless the buckets never decrease, and the last one is the count. */
function checkHistogram(family: string, samples: Sample[]): void {
  for (const { labels, value } of samples.filter(({ name }) => name === `${family}_count`)) {
    const buckets = samples.filter(
      (sample) =>
        sample.name === `${family}_bucket` &&
        Object.entries(labels).every(([label, at]) => sample.labels[label] === at),
    )
    const values = buckets.map((bucket) => bucket.value)
    const isSorted = values.every((at, index) => index === 0 || at >= (values[index - 1] ?? 0))
    if (!isSorted || buckets.at(-1)?.labels.le !== '+Inf' || values.at(-1) !== value)
      throw new Error(`not a histogram: ${family}`)
  }
}
