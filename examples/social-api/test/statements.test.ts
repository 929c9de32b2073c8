import t from 'tap'
import type { ClientResponse } from '../../../test-support/client.ts'
import { serve, truncateTables } from '../../../test-support/social-api.ts'
import { isSql, listStatements, recordLog } from './recorder.ts'

interface Plan {
  'Parent Relationship'?: string
  'Actual Loops': number
  Plans?: Plan[]
}

const flatten = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flatten)]

t.test('the statements of requests are few, and are logged', async (t) => {
  const { taken, loggerInstance } = recordLog('debug')
  // Fewer connections than simultaneous requests, so that requests wait for each other's connections.
  const { app, call, signUp } = await serve(t, { loggerInstance, poolMax: 2 })
  t.beforeEach(async () => {
    await truncateTables(app.knex)
    await taken()
  })

  t.test(
    'the caller is read in one statement, and the statement that writes a post checks the owner',
    async (t) => {
      const { token } = await signUp('ann@example.com')
      const bob = await signUp('bob@example.com')
      const json = { title: 'a', content: 'b' }
      const caller = /^select "users".* from "users" where "users"."id" = /

      for (const [name, send, expected] of [
        ['GET /users/me', () => call('GET', '/users/me', { token }), [caller]],
        [
          'GET /users/1',
          () => call('GET', '/users/1', { token }),
          [caller, /^BEGIN.* READ ONLY/, /^select "users"/, /^COMMIT$/],
        ],
        [
          'POST /posts',
          () => call('POST', '/posts', { token, json }),
          [caller, /^BEGIN/, /^insert into "posts"/, /^COMMIT$/],
        ],
        [
          'GET /posts',
          () => call('GET', '/posts', { token }),
          [caller, /^BEGIN.* READ ONLY/, /^SELECT posts/, /^COMMIT$/],
        ],
        [
          'GET /posts/1',
          () => call('GET', '/posts/1', { token }),
          [caller, /^BEGIN.* READ ONLY/, /^SELECT posts/, /^COMMIT$/],
        ],
        [
          'PUT /posts/1',
          () => call('PUT', '/posts/1', { token, json }),
          [caller, /^BEGIN/, /^update "posts" .* where \(?"owner_id" = /, /^select "users"/, /^COMMIT$/],
        ],
        [
          'PUT by another user',
          () => call('PUT', '/posts/1', { token: bob.token, json }),
          [caller, /^BEGIN/, /^update "posts" .* where \(?"owner_id" = /, /^select "posts"/, /^ROLLBACK$/],
        ],
        [
          'POST /vote',
          () => call('POST', '/vote', { token, json: { post_id: 1, dir: 1 } }),
          [
            caller,
            /^BEGIN/,
            /^select "id" from "posts" .* for key share$/,
            /^insert into "votes"/,
            /^COMMIT$/,
          ],
        ],
        [
          'DELETE by another user',
          () => call('DELETE', '/posts/1', { token: bob.token }),
          [caller, /^BEGIN/, /^delete from "posts" where \(?"owner_id" = /, /^select "posts"/, /^ROLLBACK$/],
        ],
        [
          'DELETE /posts/1',
          () => call('DELETE', '/posts/1', { token }),
          [caller, /^BEGIN/, /^delete from "posts" where \(?"owner_id" = /, /^COMMIT$/],
        ],
        ['an invalid token', () => call('GET', '/posts', { token: 'x' }), []],
        ['an invalid body', () => call('POST', '/posts', { token, json: {} }), [caller]],
        ['an invalid sign-up', () => call('POST', '/users', { json: {} }), []],
        ['an invalid login', () => call('POST', '/login', { json: {} }), []],
      ] as const) {
        await taken()
        await send()
        const sent = listStatements(await taken())
        t.equal(sent.length, expected.length, `${name}: ${sent.join('; ')}`)
        for (const [index, pattern] of expected.entries()) t.match(sent[index], pattern, name)
      }
    },
  )

  t.test('a list is one statement, which counts only the votes of the posts that it returns', async (t) => {
    const { id, token } = await signUp('ann@example.com')
    await app
      .knex('posts')
      .insert(Array.from({ length: 50 }, (_, n) => ({ title: `post ${n}`, content: '.', owner_id: id })))
    await app.knex('votes').insert(Array.from({ length: 50 }, (_, n) => ({ user_id: id, post_id: n + 1 })))

    const statements: { sql: string; bindings: string[] }[] = []
    app.knex.on('query', (query) => statements.push(query))
    const { body } = await call('GET', '/posts?limit=3&skip=20', { token })
    app.knex.removeAllListeners('query')
    t.same(
      body.map(({ Post, votes }: { Post: { id: number }; votes: number }) => [Post.id, votes]),
      [
        [21, 1],
        [22, 1],
        [23, 1],
      ],
    )

    const [caller, list, ...others] = statements
    t.match(caller?.sql, / from "users"/)
    t.match(list?.sql, /^SELECT posts/)
    t.same(others, [])

    const sql = list?.sql.replace(/\$\d+/g, '?') ?? ''
    const { rows } = await app.knex.raw(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, list?.bindings ?? [])
    const counts = flatten(rows[0]['QUERY PLAN'][0].Plan).filter(
      (node) => node['Parent Relationship'] === 'SubPlan',
    )
    t.same(
      counts.map((node) => node['Actual Loops']),
      [3],
    )
  })

  t.test(
    'at the level debug, each statement of a request is logged with the request’s id, in order',
    async (t) => {
      const { token } = await signUp('ann@example.com')
      await taken()

      await call('POST', '/posts', { token, json: { title: 'a', content: 'b' } })
      const lines = await taken()
      const [reqId, ...others] = new Set(lines.flatMap((line) => line.reqId ?? []))
      t.match(reqId, /^req-/)
      t.same(others, [])
      t.match(listStatements(lines), [/ from "users"/, /^BEGIN/, /^insert into "posts"/, /^COMMIT$/])
      t.equal(listStatements(lines).length, 4)
      for (const line of lines.filter(isSql)) t.match(line, { reqId, level: 20, ms: Number })
    },
  )

  t.test('a rejected write ends in ROLLBACK, not in COMMIT', async (t) => {
    await signUp('ann@example.com')
    await taken()
    const again = await call('POST', '/users', {
      json: { email: 'ann@example.com', password: 'a good password' },
    })
    t.equal(again.status, 409)
    const sent = listStatements(await taken())
    t.match(sent, [/^BEGIN/, /^insert into "users"/, /^ROLLBACK$/])
    t.equal(sent.length, 3)
  })

  t.test('requests without a statement log none', async (t) => {
    for (const [method, path] of [
      ['GET', '/health'],
      ['GET', '/nothing'],
      ['PATCH', '/posts'],
      ['GET', '/posts'],
    ] as const) {
      await call(method, path)
    }
    const lines = await taken()
    t.same(listStatements(lines), [])
    t.equal(new Set(lines.flatMap((line) => line.reqId ?? [])).size, 4, 'each request has other lines')
  })

  t.test('simultaneous requests log only their own statements', async (t) => {
    const { token } = await signUp('ann@example.com')
    const form = { username: 'ann@example.com', password: 'a good password' }
    const kinds: Record<string, () => Promise<ClientResponse>> = {
      'GET /posts': () => call('GET', '/posts', { token }),
      'GET /users/me': () => call('GET', '/users/me', { token }),
      'GET /users/1': () => call('GET', '/users/1', { token }),
      'POST /posts': () => call('POST', '/posts', { token, json: { title: 'a', content: 'b' } }),
      'POST /login': () => call('POST', '/login', { form }),
      'GET /health': () => call('GET', '/health'),
    }

    await taken()
    const expected = new Map<string, string[]>()
    for (const [name, send] of Object.entries(kinds)) {
      await send()
      expected.set(name, listStatements(await taken()))
    }
    t.equal(new Set([...expected.values()].map(String)).size, 6, 'all are different')
    t.match(expected.get('POST /login'), [/^SELECT lower/, /^select "users"/])
    t.same(expected.get('GET /health'), [])

    const responses = await Promise.all(
      Array.from({ length: 6 }, () => Object.values(kinds).map((send) => send())).flat(),
    )
    t.ok(responses.every(({ status }) => status < 400))
    const lines = await taken()
    const incoming = lines.filter(({ msg }) => msg === 'incoming request')
    t.equal(incoming.length, responses.length)
    for (const { reqId, req } of incoming) {
      const name = `${req?.method} ${req?.url}`
      // A login refunds its charges in parallel.
      const sent = listStatements(lines.filter((line) => line.reqId === reqId))
      t.same(sent.sort(), expected.get(name)?.sort(), `${name}, ${reqId}`)
    }
    t.same(
      listStatements(lines.filter((line) => line.reqId === undefined)),
      [],
      'every statement belongs to a request',
    )
  })

  t.test('the values of a statement are not logged, even if it fails', async (t) => {
    const { token } = await signUp('unmistakable@example.com')
    const json = { title: 'an unmistakable title', content: 'and unmistakable words' }
    await call('POST', '/posts', { token, json })
    await app.knex.raw(
      "ALTER TABLE posts ADD CONSTRAINT title_check CHECK (title <> 'an unmistakable failure')",
    )
    const refused = await call('POST', '/posts', {
      token,
      json: { ...json, title: 'an unmistakable failure' },
    })
    t.equal(refused.status, 409, 'as at every level')
    await app.knex.raw('ALTER TABLE posts ALTER content TYPE varchar(30)')
    const failed = await call('POST', '/posts', {
      token,
      json: { ...json, content: 'unmistakable'.repeat(9) },
    })
    t.equal(failed.status, 500)
    await call('GET', '/posts?limit=7', { token })

    await app.knex.raw('ALTER TABLE posts DROP CONSTRAINT title_check, ALTER content TYPE text')

    const log = JSON.stringify(await taken())
    t.match(log, /"code":"22001"/, 'the failure is logged')
    t.match(log, /insert into/i)
    t.notMatch(log, /unmistakable/)
    t.notMatch(log, token)
    t.notMatch(log, /\$2b\$/)
  })

  t.test('a statement outside a session that fails is logged too', async (t) => {
    await signUp('ann@example.com')
    await app.knex.schema.renameTable('users', 'elsewhere')
    t.teardown(() => app.knex.schema.renameTable('elsewhere', 'users'))
    await taken()
    const form = { username: 'ann@example.com', password: 'a good password' }
    t.match(await call('POST', '/login', { form }), { status: 500, body: { code: 'INTERNAL' } })
    const lines = await taken()
    t.ok(listStatements(lines).some((sql) => /JOIN users/.test(sql)))
    t.match(
      lines.find(({ msg }) => msg === 'request failed'),
      { err: { cause: { code: '42P01' } } },
    )
  })
})

t.test('at the level info, no statement is logged', async (t) => {
  const { taken, loggerInstance } = recordLog('info')
  const { call, signUp } = await serve(t, { loggerInstance })
  const { token } = await signUp('ann@example.com')
  await call('GET', '/posts', { token })
  await call('POST', '/posts', { token, json: { title: 'a', content: 'b' } })
  const lines = await taken()
  t.ok(lines.some(({ reqId }) => reqId !== undefined))
  t.same(listStatements(lines), [])
  t.notMatch(JSON.stringify(lines), /select|insert|BEGIN|COMMIT/)
})
