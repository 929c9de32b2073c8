import t, { type Test } from 'tap'
import type { Answer } from '../../../test-support/client.ts'
import { serve } from '../../../test-support/social-api.ts'
import { removeExpired } from '../src/auth/cleanup.ts'

const form = { username: 'ann@example.com', password: 'a good password' }

t.test('refresh tokens', async (t) => {
  const { app, call, signUp } = await serve(t, { poolMax: 20 })
  const { id } = await signUp(form.username)
  const logIn = async () => (await call('POST', '/login', { form })).body
  const refresh = (refresh_token: unknown) => call('POST', '/token/refresh', { json: { refresh_token } })
  const logOut = (refresh_token: unknown) => call('POST', '/logout', { json: { refresh_token } })
  const rows = () => app.knex('refresh_families').orderBy('id')
  t.beforeEach(() => app.knex('refresh_families').delete())

  const isRefused = (t: Test, answer: Answer, message: string) => {
    t.match(answer, { status: 401, body: { code: 'TOKEN_INVALID', detail: String } }, message)
    t.match(answer.headers.get('www-authenticate'), /^Bearer error="invalid_token"/, message)
  }

  t.test('are of 256 random bits, and stored as a digest only', async (t) => {
    const one = await logIn()
    t.match(one, { token_type: 'bearer', expires_in: 1800, refresh_token: /^[\w-]{65}$/ })
    const two = await logIn()
    t.equal(new Set([one.refresh_token.slice(0, 22), two.refresh_token.slice(0, 22)]).size, 2)
    t.equal(new Set([one.refresh_token.slice(22), two.refresh_token.slice(22)]).size, 2)
    const [row] = await rows()
    t.match(row, { user_id: id, digest: { length: 32 } })
    const stored =
      JSON.stringify(await rows()) + (await rows()).map(({ digest }) => digest.toString('latin1'))
    t.notMatch(stored, one.refresh_token.slice(22))
    t.notMatch(stored, Buffer.from(one.refresh_token.slice(22), 'base64url').toString('latin1'))
    const days = (row.expires_at.getTime() - Date.now()) / 86_400_000
    t.ok(days > 29.9 && days <= 30, `${days} days`)
  })

  t.test('rotate: each is good once, and what comes back is a log-in’s answer', async (t) => {
    const login = await logIn()
    const first = await refresh(login.refresh_token)
    t.match(first, { status: 200, body: { token_type: 'bearer', expires_in: 1800 } })
    t.same(Object.keys(first.body).sort(), Object.keys(login).sort())
    t.not(first.body.refresh_token, login.refresh_token)
    t.equal((await call('GET', '/users/me', { token: first.body.access_token })).body.id, id)
    t.equal((await refresh(first.body.refresh_token)).status, 200)
    t.equal((await rows()).length, 1, 'a row a log-in, however often it is refreshed')
  })

  t.test('spent and shown again, end their family and no other', async (t) => {
    const [login, other] = [await logIn(), await logIn()]
    const { body: newest } = await refresh(login.refresh_token)
    isRefused(t, await refresh(login.refresh_token), 'the spent one')
    isRefused(t, await refresh(newest.refresh_token), 'and the newest with it')
    t.equal((await rows()).length, 1)
    t.equal((await refresh(other.refresh_token)).status, 200)
    t.equal(
      (await call('GET', '/users/me', { token: newest.access_token })).status,
      200,
      'an access token lives on',
    )
  })

  t.test('fifty times at once, succeed once, and the family ends', async (t) => {
    const login = await logIn()
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(login.refresh_token)))
    const [winner, ...more] = answers.filter(({ status }) => status === 200)
    t.ok(winner)
    t.same(more, [])
    for (const answer of answers) if (answer !== winner) isRefused(t, answer, 'a loser')
    isRefused(t, await refresh(winner?.body.refresh_token), 'the winner’s token')
    t.same(await rows(), [])
  })

  t.test('unknown, malformed or expired, are refused, and nothing else ends', async (t) => {
    const login = await logIn()
    const { access_token, refresh_token } = await logIn()
    await app.knex.raw("UPDATE refresh_families SET expires_at = now() - interval '1 second' WHERE id = ?", [
      refresh_token.slice(0, 22),
    ])
    const unknown = [
      refresh_token,
      access_token,
      'x',
      'x'.repeat(65),
      `${login.refresh_token}x`,
      ' ',
      "' OR 1=1 --",
    ]
    for (const token of unknown) isRefused(t, await refresh(token), token)
    for (const token of [null, 7, '', [], 'x\0', '\ud800', 'x'.repeat(1025)]) {
      t.match(await refresh(token), { status: 422, body: { code: 'VALIDATION_FAILED' } })
    }
    t.equal((await refresh(login.refresh_token)).status, 200)
  })

  t.test('are not taken for access tokens, nor those for them', async (t) => {
    const { access_token, refresh_token } = await logIn()
    isRefused(t, await refresh(access_token), 'an access token')
    t.match(await call('GET', '/users/me', { token: refresh_token }), {
      status: 401,
      body: { code: 'TOKEN_INVALID' },
    })
    t.equal((await refresh(refresh_token)).status, 200)
  })

  t.test('end with a log-out, of any token of the family and of no other', async (t) => {
    const [login, other] = [await logIn(), await logIn()]
    const { body: newest } = await refresh(login.refresh_token)
    t.match(await logOut(login.refresh_token), { status: 204, body: '' }, 'by a spent one')
    isRefused(t, await refresh(newest.refresh_token), 'the newest')
    t.equal((await logOut(login.refresh_token)).status, 204, 'and again')
    t.equal((await logOut('unknown')).status, 204)
    t.equal((await logOut(null)).status, 422)
    t.equal((await refresh(other.refresh_token)).status, 200)
  })

  t.test('end with their user', async (t) => {
    const eve = await signUp('eve@example.com')
    const { body } = await call('POST', '/login', { form: { ...form, username: 'eve@example.com' } })
    await app.knex('users').where({ id: eve.id }).delete()
    isRefused(t, await refresh(body.refresh_token), 'of a user who is gone')
  })

  t.test('carry the role that the user has now', async (t) => {
    const login = await logIn()
    await app.knex('users').where({ id }).update({ role: 'admin' })
    const { body } = await refresh(login.refresh_token)
    t.equal(JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url').toString()).role, 'admin')
    await app.knex('users').where({ id }).update({ role: 'user' })
  })

  t.test('that have expired are removed, all of them, by several at once, and those alone', async (t) => {
    const login = await logIn()
    await app.knex.raw(
      `INSERT INTO refresh_families (id, user_id, digest, expires_at)
       SELECT 'old ' || n, ?, '', now() - interval '1 day' FROM generate_series(1, 2500) n`,
      [id],
    )
    const counts = await Promise.all([1, 2, 3].map(() => removeExpired(app.knex)))
    t.equal(
      counts.reduce((sum, count) => sum + count),
      2500,
      String(counts),
    )
    t.equal((await rows()).length, 1)
    t.equal((await refresh(login.refresh_token)).status, 200)
    t.equal(await removeExpired(app.knex), 0)
  })
})

t.test('a refresh token’s time to live is the configured one', async (t) => {
  const { app, signUp } = await serve(t, { refreshTokenTtl: '90m' })
  await signUp(form.username)
  const { rows } = await app.knex.raw(
    'SELECT round(extract(epoch FROM expires_at - now()) / 60)::int AS minutes FROM refresh_families',
  )
  t.same(rows, [{ minutes: 90 }])
})

t.test('a log-in ends after its time, however much it is refreshed', async (t) => {
  const { app, call, signUp } = await serve(t, { refreshTokenTtl: '30d', refreshFamilyTtl: '90d' })
  await signUp(form.username)
  const { body: login } = await call('POST', '/login', { form })
  const family = login.refresh_token.slice(0, 22)
  const refresh = (refresh_token: string) => call('POST', '/token/refresh', { json: { refresh_token } })
  const loggedIn = (ago: string) =>
    app.knex.raw('UPDATE refresh_families SET created_at = now() - ?::interval WHERE id = ?', [ago, family])
  const hoursLeft = async () =>
    (
      await app.knex.raw(
        'SELECT round(extract(epoch FROM expires_at - now()) / 3600)::int AS hours FROM refresh_families WHERE id = ?',
        [family],
      )
    ).rows[0].hours

  await loggedIn('59 days')
  const second = await refresh(login.refresh_token)
  t.equal(await hoursLeft(), 30 * 24, 'a token has its time')
  await loggedIn('89 days')
  const third = await refresh(second.body.refresh_token)
  t.equal(third.status, 200)
  t.equal(await hoursLeft(), 24, 'the last one has what is left')
  await loggedIn('90 days')
  t.match(await refresh(third.body.refresh_token), { status: 401, body: { code: 'TOKEN_INVALID' } })
})

t.test('a log-in of less time than a token has ends a token’s, too', async (t) => {
  const { app, signUp } = await serve(t, { refreshTokenTtl: '90m', refreshFamilyTtl: '1h' })
  await signUp(form.username)
  const { rows } = await app.knex.raw(
    'SELECT round(extract(epoch FROM expires_at - now()) / 60)::int AS minutes FROM refresh_families',
  )
  t.same(rows, [{ minutes: 60 }])
})
