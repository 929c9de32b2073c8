import t, { type Test } from 'tap'
import type { ClientResponse } from '../../../test-support/client.ts'
import { serve } from '../../../test-support/social-api.ts'
import { removeExpired } from '../src/auth/cleanup.ts'

const form = { username: 'ann@example.com', password: 'a good password' }

t.test('refresh tokens are rotated and can be revoked', async (t) => {
  const { app, call, signUp } = await serve(t, { poolMax: 20 })
  const { id } = await signUp(form.username)
  const logIn = async () => (await call('POST', '/login', { form })).body
  const refresh = (refresh_token: unknown) => call('POST', '/token/refresh', { json: { refresh_token } })
  const logOut = (refresh_token: unknown) => call('POST', '/logout', { json: { refresh_token } })
  const rows = () => app.knex('refresh_families').orderBy('id')
  t.beforeEach(() => app.knex('refresh_families').delete())

  const assertRejected = (t: Test, response: ClientResponse, message: string) => {
    t.match(response, { status: 401, body: { code: 'TOKEN_INVALID', detail: String } }, message)
    t.match(response.headers.get('www-authenticate'), /^Bearer error="invalid_token"/, message)
  }

  t.test('a refresh token has 256 random bits, and only its digest is stored', async (t) => {
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

  t.test('a refresh token can be used once, and a refresh responds like a login', async (t) => {
    const login = await logIn()
    const first = await refresh(login.refresh_token)
    t.match(first, { status: 200, body: { token_type: 'bearer', expires_in: 1800 } })
    t.same(Object.keys(first.body).sort(), Object.keys(login).sort())
    t.not(first.body.refresh_token, login.refresh_token)
    t.equal((await call('GET', '/users/me', { token: first.body.access_token })).body.id, id)
    t.equal((await refresh(first.body.refresh_token)).status, 200)
    t.equal((await rows()).length, 1, 'one row per login, however often it is refreshed')
  })

  t.test('a refresh token that is used twice ends its family, and no other', async (t) => {
    const [login, other] = [await logIn(), await logIn()]
    const { body: newest } = await refresh(login.refresh_token)
    assertRejected(t, await refresh(login.refresh_token), 'the spent one')
    assertRejected(t, await refresh(newest.refresh_token), 'and the newest token')
    t.equal((await rows()).length, 1)
    t.equal((await refresh(other.refresh_token)).status, 200)
    t.equal(
      (await call('GET', '/users/me', { token: newest.access_token })).status,
      200,
      'the access token stays valid',
    )
  })

  t.test(
    'only one of fifty simultaneous refreshes with one token succeeds, and the family ends',
    async (t) => {
      const login = await logIn()
      const responses = await Promise.all(Array.from({ length: 50 }, () => refresh(login.refresh_token)))
      const [winner, ...more] = responses.filter(({ status }) => status === 200)
      t.ok(winner)
      t.same(more, [])
      for (const response of responses) if (response !== winner) assertRejected(t, response, 'a loser')
      assertRejected(t, await refresh(winner?.body.refresh_token), 'the winner’s token')
      t.same(await rows(), [])
    },
  )

  t.test('unknown, malformed and expired refresh tokens are rejected, and end no family', async (t) => {
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
    for (const token of unknown) assertRejected(t, await refresh(token), token)
    for (const token of [null, 7, '', [], 'x\0', '\ud800', 'x'.repeat(1025)]) {
      t.match(await refresh(token), { status: 422, body: { code: 'VALIDATION_FAILED' } })
    }
    t.equal((await refresh(login.refresh_token)).status, 200)
  })

  t.test('a refresh token is not accepted as an access token, nor the other way around', async (t) => {
    const { access_token, refresh_token } = await logIn()
    assertRejected(t, await refresh(access_token), 'an access token')
    t.match(await call('GET', '/users/me', { token: refresh_token }), {
      status: 401,
      body: { code: 'TOKEN_INVALID' },
    })
    t.equal((await refresh(refresh_token)).status, 200)
  })

  t.test('a logout with any token of a family ends that family, and no other', async (t) => {
    const [login, other] = [await logIn(), await logIn()]
    const { body: newest } = await refresh(login.refresh_token)
    t.match(await logOut(login.refresh_token), { status: 204, body: '' }, 'with a used token')
    assertRejected(t, await refresh(newest.refresh_token), 'the newest')
    t.equal((await logOut(login.refresh_token)).status, 204, 'a second time')
    t.equal((await logOut('unknown')).status, 204)
    t.equal((await logOut(null)).status, 422)
    t.equal((await refresh(other.refresh_token)).status, 200)
  })

  t.test('a refresh token is rejected after its user is deleted', async (t) => {
    const eve = await signUp('eve@example.com')
    const { body } = await call('POST', '/login', { form: { ...form, username: 'eve@example.com' } })
    await app.knex('users').where({ id: eve.id }).delete()
    assertRejected(t, await refresh(body.refresh_token), 'the user is deleted')
  })

  t.test('a refresh issues an access token with the current role', async (t) => {
    const login = await logIn()
    await app.knex('users').where({ id }).update({ role: 'admin' })
    const { body } = await refresh(login.refresh_token)
    t.equal(JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url').toString()).role, 'admin')
    await app.knex('users').where({ id }).update({ role: 'user' })
  })

  t.test('simultaneous cleanups delete all expired families, and no others', async (t) => {
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

  t.test('a login ends after REFRESH_FAMILY_TTL, however often it is refreshed', async (t) => {
    const login = await logIn()
    const family = login.refresh_token.slice(0, 22)
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
    t.equal(await hoursLeft(), 30 * 24, 'a token has its full time')
    await loggedIn('89 days')
    const third = await refresh(second.body.refresh_token)
    t.equal(third.status, 200)
    t.equal(await hoursLeft(), 24, 'the last token has the rest of the time')
    await loggedIn('90 days')
    t.match(await refresh(third.body.refresh_token), { status: 401, body: { code: 'TOKEN_INVALID' } })
  })

  t.test('a user keeps the newest hundred logins, and a further login ends the oldest', async (t) => {
    const first = await logIn()
    await app.knex.raw(
      `INSERT INTO refresh_families (id, user_id, digest, expires_at, created_at)
       SELECT 'family ' || n, ?, '', now() + interval '1 day', now() + n * interval '1 second' FROM generate_series(1, 150) AS n`,
      [id],
    )
    await app.knex.raw(
      "UPDATE refresh_families SET created_at = now() - interval '1 hour' WHERE digest <> ''",
    )
    await logIn()
    t.equal((await app.knex('refresh_families').where({ user_id: id })).length, 100)
    t.equal((await refresh(first.refresh_token)).status, 401)
  })
})

t.test('a refresh token expires after REFRESH_TOKEN_TTL', async (t) => {
  const { app, signUp } = await serve(t, { refreshTokenTtl: '90m' })
  await signUp(form.username)
  const { rows } = await app.knex.raw(
    'SELECT round(extract(epoch FROM expires_at - now()) / 60)::int AS minutes FROM refresh_families',
  )
  t.same(rows, [{ minutes: 90 }])
})

t.test('a refresh token never outlives REFRESH_FAMILY_TTL', async (t) => {
  const { app, signUp } = await serve(t, { refreshTokenTtl: '90m', refreshFamilyTtl: '1h' })
  await signUp(form.username)
  const { rows } = await app.knex.raw(
    'SELECT round(extract(epoch FROM expires_at - now()) / 60)::int AS minutes FROM refresh_families',
  )
  t.same(rows, [{ minutes: 60 }])
})
