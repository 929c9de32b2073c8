import { createHasher } from '@auth-primer/auth-hash'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'

const OLD = 'a good password'
const NEW = 'a better password'
const change = { current_password: OLD, new_password: NEW }

t.test('a user can change the password', async (t) => {
  const { app, call, signUp } = await serve(t)
  const logIn = (username: string, password: string) =>
    call('POST', '/login', { form: { username, password } })

  t.test('a password change ends every token of the user, and the new password logs in', async (t) => {
    const { token } = await signUp('ann@example.com')
    const { body: second } = await logIn('ann@example.com', OLD)
    const bob = await signUp('bob@example.com')

    const response = await call('PUT', '/users/me/password', { token, json: change })
    t.match(response, { status: 204, body: '' })
    for (const ended of [token, second.access_token]) {
      const rejected = await call('GET', '/users/me', { token: ended })
      t.match(rejected, { status: 401, body: { code: 'TOKEN_INVALID' } })
      t.match(rejected.headers.get('www-authenticate'), /error="invalid_token"/)
    }
    t.match(await call('POST', '/token/refresh', { json: { refresh_token: second.refresh_token } }), {
      status: 401,
      body: { code: 'TOKEN_INVALID' },
    })
    t.equal((await logIn('ann@example.com', OLD)).status, 403)

    const login = await logIn('ann@example.com', NEW)
    t.equal(login.status, 200)
    t.equal(
      (await call('GET', '/users/me', { token: login.body.access_token })).status,
      200,
      'even in the same second',
    )
    t.equal((await call('GET', '/users/me', { token })).status, 401, 'the old token is still rejected')

    t.equal(
      (await call('GET', '/users/me', { token: bob.token })).status,
      200,
      'other users are not affected',
    )
    t.equal((await logIn('bob@example.com', OLD)).status, 200)
  })

  t.test('a password change with a wrong current password is rejected, and changes nothing', async (t) => {
    const { token } = await signUp('carol@example.com')
    const before = await app.knex('users')
    const response = await call('PUT', '/users/me/password', {
      token,
      json: { ...change, current_password: NEW },
    })
    t.match(response, { status: 403, body: { code: 'INVALID_CREDENTIALS' } })
    t.same(await app.knex('users'), before)
    t.equal((await call('GET', '/users/me', { token })).status, 200)
  })

  t.test('a new password must follow the rules for a sign-up', async (t) => {
    const { token } = await signUp('dora@example.com')
    for (const new_password of [
      'short',
      'x'.repeat(73),
      'nul\0inside it',
      '\ud800 lone surrogate',
      null,
      7,
    ]) {
      const response = await call('PUT', '/users/me/password', { token, json: { ...change, new_password } })
      t.match(response, { status: 422, body: { code: 'VALIDATION_FAILED' } }, JSON.stringify(new_password))
    }
    t.equal((await call('PUT', '/users/me/password', { token, json: {} })).status, 422)
    t.equal((await call('PUT', '/users/me/password', { json: change })).status, 401)
    t.equal((await call('GET', '/users/me', { token })).status, 200)
  })

  t.test('only one of two simultaneous password changes succeeds', async (t) => {
    const { token } = await signUp('emma@example.com')
    const wanted = ['the first password', 'the second password']
    const responses = await Promise.all(
      wanted.map((new_password) =>
        call('PUT', '/users/me/password', { token, json: { ...change, new_password } }),
      ),
    )
    const statuses = responses.map(({ status }) => status)
    t.equal(statuses.filter((status) => status === 204).length, 1, String(statuses))
    t.ok(
      statuses.every((status) => [204, 401, 403, 409].includes(status)),
      String(statuses),
    )
    for (const [index, password] of wanted.entries()) {
      t.equal((await logIn('emma@example.com', password)).status, statuses[index] === 204 ? 200 : 403)
    }
  })

  t.test('a login with the old password during a password change leaves no valid token', async (t) => {
    const { token } = await signUp('finn@example.com')
    const [changed, ...logins] = await Promise.all([
      call('PUT', '/users/me/password', { token, json: change }),
      ...Array.from({ length: 12 }, () => logIn('finn@example.com', OLD)),
    ])
    t.equal(changed?.status, 204)
    t.ok(logins.some(({ status }) => status === 200) || logins.some(({ status }) => status === 403))
    for (const { status, body } of logins) {
      if (status === 403) continue
      t.equal(status, 200)
      t.equal((await call('GET', '/users/me', { token: body.access_token })).status, 401)
      const json = { refresh_token: body.refresh_token }
      t.equal((await call('POST', '/token/refresh', { json })).status, 401)
    }
  })
})

t.test('a login checks the stored hash', async (t) => {
  const { app, call, signUp } = await serve(t, { bcryptCost: 11 })
  const form = { username: 'ann@example.com', password: OLD }
  const { id } = await signUp(form.username)
  const stored = async (): Promise<string> => (await app.knex('users').where({ id }).first()).password

  t.test('a login replaces a weak hash, even if several log in at once, and ends no token', async (t) => {
    const { body } = await call('POST', '/login', { form })
    const password = await createHasher({ cost: 10 }).hash(OLD)
    await app.knex('users').where({ id }).update({ password })
    t.equal((await call('POST', '/login', { form: { ...form, password: NEW } })).status, 403)
    t.match(await stored(), /^\$2b\$10\$/, 'not with a wrong password')

    const responses = await Promise.all([1, 2, 3].map(() => call('POST', '/login', { form })))
    t.same(
      responses.map(({ status }) => status),
      [200, 200, 200],
    )
    const better = await stored()
    t.match(better, /^\$2b\$11\$/)
    t.equal((await call('GET', '/users/me', { token: body.access_token })).status, 200)
    t.equal((await call('POST', '/login', { form })).status, 200)
    t.equal(await stored(), better, 'a strong hash is not replaced')
  })

  t.test('a login of a user who is deleted during the comparison is rejected', async (t) => {
    const eve = await signUp('eve@example.com')
    const login = call('POST', '/login', { form: { username: 'eve@example.com', password: OLD } })
    while (app.hasher.stats.running === 0) await new Promise(setImmediate)
    await app.knex('users').where({ id: eve.id }).delete()
    t.match(await login, { status: 403, body: { code: 'INVALID_CREDENTIALS' } })
  })
})
