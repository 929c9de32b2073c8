import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { forge } from '@auth-primer/jwt-kit/testing'
import t from 'tap'
import { SECRET, serve } from '../../../test-support/social-api.ts'
import { AccessClaims } from '../src/auth/schemas.ts'

/** The statuses for the owner, another user and an admin, on a published post and on a draft. */
const ON_A_POST: Record<string, { published: number[]; draft: number[] }> = {
  'GET /posts/{id}': { published: [200, 200, 200], draft: [200, 404, 404] },
  'PUT /posts/{id}': { published: [200, 403, 200], draft: [200, 404, 404] },
  'DELETE /posts/{id}': { published: [204, 403, 204], draft: [204, 404, 404] },
  'POST /vote': { published: [201, 201, 201], draft: [201, 404, 404] },
}
/** The operations that are not on one post. */
const OTHERS = [
  'GET /posts',
  'POST /posts',
  'GET /users/me',
  'PUT /users/me/password',
  // Every user may see every other user.
  'GET /users/{id}',
]
const POST = { title: 'a', content: 'b' }

t.test('every operation checks who may use it', async (t) => {
  const { app, call, signUp } = await serve(t)
  const [ann, bob, admin] = [
    await signUp('ann@example.com'),
    await signUp('bob@example.com'),
    await signUp('admin@example.com'),
  ]
  await app.knex('users').where({ id: admin.id }).update({ role: 'admin' })

  t.test('every operation that needs a token is listed here', async (t) => {
    const { body: document } = await call('GET', '/openapi.json')
    const guarded = Object.entries<Record<string, { security: object[] }>>(document.paths).flatMap(
      ([path, operations]) =>
        Object.entries(operations)
          .filter(([, { security }]) => security.length > 0)
          .map(([method]) => `${method.toUpperCase()} ${path}`),
    )
    t.same(guarded.sort(), [...Object.keys(ON_A_POST), ...OTHERS].sort())
  })

  t.test(
    'without a token, every listed operation responds with 401, even if the rest is invalid',
    async (t) => {
      for (const operation of [...Object.keys(ON_A_POST), ...OTHERS]) {
        const [method, path] = operation.split(' ') as [string, string]
        const { status, body, headers } = await call(method, path.replace('{id}', 'nonsense'))
        t.match({ status, code: body.code }, { status: 401, code: 'NOT_AUTHENTICATED' }, operation)
        t.equal(headers.get('www-authenticate'), 'Bearer')
      }
    },
  )

  const callers = { owner: ann, 'another user': bob, admin }
  const contents = async () => [await app.knex('posts').orderBy('id'), await app.knex('votes')]
  for (const [operation, states] of Object.entries(ON_A_POST)) {
    for (const [state, statuses] of Object.entries(states)) {
      t.test(`${operation} on a ${state} post checks the caller`, async (t) => {
        const [method, path] = operation.split(' ') as [string, string]
        for (const [index, [who, { token }]] of Object.entries(callers).entries()) {
          const published = state === 'published'
          const { body: post } = await call('POST', '/posts', {
            token: ann.token,
            json: { ...POST, published },
          })
          const send = (id: number) => {
            const json = method === 'PUT' ? { ...POST, title: 'c' } : { post_id: id, dir: 1 }
            const hasBody = method === 'PUT' || method === 'POST'
            return call(method, path.replace('{id}', String(id)), { token, ...(hasBody && { json }) })
          }
          const before = await contents()
          const response = await send(post.id)
          t.equal(response.status, statuses[index], who)
          if (method === 'PUT' && response.status === 200)
            t.match(response.body, { title: 'c', owner_id: ann.id, owner: { id: ann.id } })
          if (response.status < 400) continue

          t.equal(response.body.code, response.status === 403 ? 'NOT_OWNER' : 'NOT_FOUND')
          t.same(await contents(), before, 'nothing was written')
          const missing = await send(8_000_000)
          t.match(missing, { status: 404, body: { code: 'NOT_FOUND' } })
          if (published) continue
          const detail = missing.body.detail.replace('8000000', post.id)
          const instance = response.body.instance
          t.same(
            response.body,
            { ...missing.body, detail, instance },
            'the same as for a post that does not exist',
          )
        }
      })
    }
  }

  t.test('a list shows drafts only to their owner', async (t) => {
    await call('POST', '/posts', { token: ann.token, json: { ...POST, title: 'hidden', published: false } })
    const found = async (token: string) => (await call('GET', '/posts?search=hidden', { token })).body.length
    t.same([await found(ann.token), await found(bob.token), await found(admin.token)], [1, 0, 0])
  })

  t.test('a password change affects only the caller, even if the body names another user', async (t) => {
    const eve = await signUp('eve@example.com')
    const before = await app.knex('users').whereNot({ id: eve.id }).orderBy('id')
    const json = { current_password: 'a good password', new_password: 'a better password' }
    const named = { id: ann.id, user_id: ann.id, email: 'ann@example.com', username: 'ann@example.com' }
    const response = await call('PUT', '/users/me/password', {
      token: eve.token,
      json: { ...json, ...named, role: 'admin' },
    })
    t.equal(response.status, 204)
    t.same(await app.knex('users').whereNot({ id: eve.id }).orderBy('id'), before)
    t.match(await app.knex('users').where({ id: eve.id }).first(), { email: 'eve@example.com', role: 'user' })
  })

  t.test('a token in the URL, in a cookie or in the body is ignored', async (t) => {
    const { token } = ann
    const rejected = { status: 401, body: { code: 'NOT_AUTHENTICATED' } }
    for (const name of ['access_token', 'token']) {
      t.match(await call('GET', `/users/me?${name}=${token}`), rejected, name)
      t.match(await call('GET', '/users/me', { headers: { cookie: `${name}=${token}` } }), rejected, name)
      t.match(await call('POST', '/posts', { json: { ...POST, [name]: token } }), rejected, name)
      t.match(await call('POST', '/posts', { form: { ...POST, [name]: token } }), rejected, name)
    }
    t.equal((await call('GET', '/users/me', { token })).status, 200)
  })

  t.test(
    'a refresh token with a known family id and a wrong secret is rejected, and ends the family',
    async (t) => {
      const form = { username: 'ann@example.com', password: 'a good password' }
      const [one, other] = [await call('POST', '/login', { form }), await call('POST', '/login', { form })]
      const refresh = async (refresh_token: string) =>
        (await call('POST', '/token/refresh', { json: { refresh_token } })).status
      t.equal(await refresh(one.body.refresh_token.slice(0, 22) + 'x'.repeat(43)), 401)
      t.equal(await refresh(one.body.refresh_token), 401)
      t.equal(await refresh(other.body.refresh_token), 200)
    },
  )

  t.test('the role in the users table counts, not the role in the token', async (t) => {
    const { body: post } = await call('POST', '/posts', { token: ann.token, json: POST })
    const kit = jwtKit({
      issuer: 'social-api',
      keys: keyring('HS256', [{ kid: '1', key: SECRET }]),
      kinds: { access: tokenKind('access+jwt', { ttl: '30m', claims: AccessClaims }) },
    })
    const edit = ({ id }: { id: number }, role: 'user' | 'admin') =>
      call('PUT', `/posts/${post.id}`, {
        token: forge(kit.access, { sub: String(id), user_id: id, role }),
        json: POST,
      })
    t.match(await edit(bob, 'admin'), { status: 403, body: { code: 'NOT_OWNER' } })
    t.equal((await edit(admin, 'user')).status, 200)
  })

  t.test('no response has a member that the contract does not name, for any caller', async (t) => {
    const { body: post } = await call('POST', '/posts', { token: ann.token, json: POST })
    const userOut = ['id', 'email', 'created_at']
    const postMembers = ['title', 'content', 'published', 'id', 'created_at', 'owner_id', 'owner']
    t.same(Object.keys(post), postMembers)

    for (const { token } of [ann, bob, admin]) {
      for (const path of ['/users/me', `/users/${ann.id}`, `/users/${admin.id}`]) {
        t.same(Object.keys((await call('GET', path, { token })).body), userOut, path)
      }
      const { body: one } = await call('GET', `/posts/${post.id}`, { token })
      const { body: list } = await call('GET', '/posts', { token })
      for (const { Post, votes, ...more } of [one, ...list]) {
        t.same(Object.keys(Post), postMembers)
        t.same(Object.keys(Post.owner), userOut)
        t.type(votes, 'number')
        t.same(more, {})
      }
    }
    const form = { username: 'ann@example.com', password: 'a good password' }
    t.same(Object.keys((await call('POST', '/login', { form })).body).sort(), [
      'access_token',
      'expires_in',
      'refresh_token',
      'token_type',
    ])
  })
})
