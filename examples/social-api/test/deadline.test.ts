import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'

const form = { username: 'ann@example.com', password: 'a good password' }

t.test('an answer that is not there in time is a 503, and its password is not hashed any more', async (t) => {
  const { app, call } = await serve(t, { responseDeadlineMs: 500 })
  await call('GET', '/ready')
  const others = new AbortController()
  // They have the key of the login, so its turn comes after theirs.
  const waiting = Array.from({ length: 100 }, () =>
    app.hasher.hash('a good password', { signal: others.signal, key: '127.0.0.1' }).catch(() => {}),
  )
  const answer = await call('POST', '/login', { form })
  t.match(answer, { status: 503, body: { code: 'OVERLOADED' } })
  t.equal(answer.headers.get('retry-after'), '5')
  t.equal(app.hasher.stats.aborted, 1)
  t.ok(app.hasher.stats.waiting > 0, 'while the others still wait')
  others.abort()
  await Promise.all(waiting)
})

t.test('a request that misses its deadline is rolled back', async (t) => {
  const { app, call } = await serve(t, { responseDeadlineMs: 1_000 })
  const [{ id }] = await app.knex('users').insert({ email: 'ann@example.com', password: 'x' }).returning('id')
  const token = app.tokens.access.sign({ sub: String(id), user_id: id, role: 'user' })
  const holder = await app.knex.transaction()
  await holder.raw('LOCK TABLE posts IN ACCESS EXCLUSIVE MODE')
  const post = { token, json: { title: 'late', content: 'too late' } }
  t.match(await call('POST', '/posts', post), { status: 503, body: { code: 'OVERLOADED' } })
  await holder.commit()
  t.equal(await app.knex('posts').where({ title: 'late' }).first(), undefined)
  t.equal((await call('POST', '/posts', post)).status, 201)
})
