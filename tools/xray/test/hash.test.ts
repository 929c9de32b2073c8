import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import bcrypt from 'bcrypt'
import t from 'tap'
import { serveXray } from './setup.ts'

// `serve` searches every response for hashes and for the passwords that were sent.
const { app, call } = await serveXray(t)
const PASSWORD = 'radishes in eggshells'

t.test(
  'two hashes of one password have different salts and digests, and the page gets only their first characters',
  async (t) => {
    const { status, body } = await call('POST', '/xray/bench/hash', {
      json: { password: PASSWORD, cost: 10 },
    })
    t.equal(status, 200)
    const [one, other] = body
    t.match(one, {
      version: '2b',
      cost: 10,
      salt: /^[./A-Za-z0-9]{22}$/,
      digest: /^[./A-Za-z0-9]{6}$/,
      kept: 25,
    })
    t.not(one.salt, other.salt)
    t.not(one.digest, other.digest)
    t.ok(one.ms > 0)
    t.strictSame(Object.keys(one), ['id', 'ms', 'version', 'cost', 'salt', 'digest', 'kept'])
    // The page gets the parts of a real hash: with this salt, only this password has this digest.
    const again = await bcrypt.hash(PASSWORD, `$2b$10$${one.salt}`)
    t.equal(again.slice(29, 35), one.digest)
    t.not((await bcrypt.hash('another', `$2b$10$${one.salt}`)).slice(29, 35), one.digest)
  },
)

t.test(
  'the bench compares a password with a hash by its parts, with the same result as auth-hash',
  async (t) => {
    const { body } = await call('POST', '/xray/bench/hash', { json: { password: PASSWORD, cost: 10 } })
    const [{ id, salt, digest }] = body
    const compare = async (password: string) =>
      (await call('POST', '/xray/bench/hash/compare', { json: { id, password } })).body

    const right = await compare(PASSWORD)
    t.match(right, {
      stored: { salt, digest },
      computed: { salt, digest },
      equal: true,
      verdict: { ok: true },
    })
    const wrong = await compare('radishes in eggshell')
    t.match(wrong, { computed: { salt }, equal: false, verdict: { ok: false, reason: 'wrong-password' } })
    t.not(wrong.computed.digest, digest)
    t.equal(
      (await call('POST', '/xray/bench/hash/compare', { json: { id: 'x', password: 'x' } })).status,
      404,
    )
  },
)

t.test('the hash bench has no access to users’ hashes, even of the same password', async (t) => {
  await call('POST', '/users', { json: { email: 'ann@example.com', password: PASSWORD } })
  const stored: string = await app
    .knex('users')
    .first('password')
    .then((row) => row.password)
  const { body } = await call('POST', '/xray/bench/hash', { json: { password: PASSWORD, cost: 10 } })
  t.notOk(JSON.stringify(body).includes(stored.slice(7, 29)), 'not even the salt')
  for (const id of ['1', 'ann@example.com', stored.slice(0, 36)]) {
    const { status } = await call('POST', '/xray/bench/hash/compare', { json: { id, password: PASSWORD } })
    t.equal(status, 404)
  }
  const statements: string[] = []
  app.knex.on('query', ({ sql }) => statements.push(sql))
  await call('POST', '/xray/bench/hash', { json: { password: PASSWORD, cost: 10 } })
  t.same(statements, [], 'no statement is sent to the database')
})

t.test('the edge cases show passwords on which bcrypt and auth-hash differ', async (t) => {
  const { body } = await call('POST', '/xray/bench/hash/edges')
  t.strictSame(body, [
    { edge: '73rd-byte', bytes: [73, 73], bcrypt: true, authHash: 'AUTH_HASH_PASSWORD_TOO_LONG' },
    { edge: 'nul', bytes: [10, 10], bcrypt: false, authHash: 'AUTH_HASH_PASSWORD_HAS_NUL' },
    { edge: 'normal-form', bytes: [5, 6], bcrypt: false, authHash: true },
  ])
})

t.test('the bench times one hash at the requested cost', async (t) => {
  const computed: unknown[] = []
  const note = (event: unknown) => computed.push(event)
  subscribe('auth-primer:auth-hash:compute', note)
  t.teardown(() => unsubscribe('auth-primer:auth-hash:compute', note))
  for (const cost of [10, 12]) {
    const { body } = await call('POST', '/xray/bench/hash/time', { json: { cost } })
    t.equal(body.cost, cost)
    t.ok(body.ms > 0)
    t.same(computed.splice(0), [{ cost }])
  }
})

t.test('the hash bench rejects costs and passwords that would block a thread for long', async (t) => {
  for (const cost of [9, 15, 31, '10']) {
    t.equal((await call('POST', '/xray/bench/hash/time', { json: { cost } })).status, 422)
  }
  const long = await call('POST', '/xray/bench/hash', { json: { password: 'ü'.repeat(37), cost: 10 } })
  t.match([long.status, long.body.detail], [400, /at most 72 bytes/])
  const many = Array.from({ length: 12 }, () => call('POST', '/xray/bench/hash/time', { json: { cost: 10 } }))
  const statuses = (await Promise.all(many)).map(({ status }) => status)
  t.strictSame([...new Set(statuses)].sort(), [200, 503], 'one hash runs at a time, and few may wait')
})
