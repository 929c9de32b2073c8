import { on, once } from 'node:events'
import { connect } from 'node:net'
import { availableParallelism } from 'node:os'
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'
import { DEMO_USERS } from '../src/demo/data.ts'
import { recorder, statements } from './recorder.ts'

const twenty = Array.from({ length: 20 }, (_, index) => index)
/** A hash that takes four times as long as those of the demo users. */
const SLOW = DEMO_USERS[0]?.password.replace('$12$', '$14$')
const BODY = JSON.stringify({ title: 'slow', content: 'b' })

t.test(
  'log-ins, sign-ups and slow uploads under way hold no connection, and a list is answered',
  async (t) => {
    const { app, call, url, signUp } = await serve(t, { poolMax: 2 })
    const { token } = await signUp('ann@example.com')
    const form = { username: 'ann@example.com', password: 'a good password' }

    let known = lookUps(app, 20)
    const uploads = twenty.map(() => dribble(url, token))
    await known

    // Every thread that hashes has something to do for a second, so that all of these wait their turn.
    const busy = Array.from({ length: availableParallelism() }, () =>
      app.hasher.verify({ password: 'x', hash: SLOW }),
    )
    known = lookUps(app, 20)
    let hashing = 0
    const under = (answer: Promise<{ status: number }>) => {
      hashing++
      return answer.finally(() => hashing--)
    }
    const logIns = twenty.map(() => under(call('POST', '/login', { form })))
    const signUps = [1, 2, 3].map((n) => {
      const json = { email: `new${n}@example.com`, password: 'a good password' }
      return under(call('POST', '/users', { json }))
    })
    await known
    t.equal(used(app), 0, 'who they are is known, and no connection is in use')

    const { status } = await call('GET', '/posts', { token })
    t.equal(status, 200)
    t.equal(hashing, 23, 'before any password is hashed')
    t.same(
      uploads.filter(({ isAnswered }) => isAnswered()),
      [],
      'and before any upload is done',
    )

    for (const upload of uploads) upload.finish()
    t.same([...new Set(await Promise.all(uploads.map(({ status }) => status)))], ['201'])
    await Promise.all(busy)
    t.same([...new Set((await Promise.all(logIns)).map(({ status }) => status))], [200])
    t.same([...new Set((await Promise.all(signUps)).map(({ status }) => status))], [201])
  },
)

t.test('a route that queries first and then waits does hold one', async (t) => {
  let open = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  let waiting = () => {}
  const waits = new Promise<void>((resolve) => {
    waiting = resolve
  })
  const { app, call } = await serve(t, { poolMax: 2 }, (app) => {
    app.get('/held', async ({ db }) => {
      await db.raw('SELECT 1')
      waiting()
      await gate
      return {}
    })
  })
  const held = call('GET', '/held')
  await waits
  t.equal(used(app), 1)
  open()
  t.equal((await held).status, 200)
  t.equal(used(app), 0)
})

t.test(
  'who is asking takes one statement, and whose post it is is asked by the statement that writes',
  async (t) => {
    const { taken, loggerInstance } = recorder('debug')
    const { call, signUp } = await serve(t, { loggerInstance })
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
        'PUT, another’s',
        () => call('PUT', '/posts/1', { token: bob.token, json }),
        [caller, /^BEGIN/, /^update "posts" .* where \(?"owner_id" = /, /^select "posts"/, /^ROLLBACK$/],
      ],
      [
        'POST /vote',
        () => call('POST', '/vote', { token, json: { post_id: 1, dir: 1 } }),
        [caller, /^BEGIN/, /^select "id" from "posts" .* for key share$/, /^insert into "votes"/, /^COMMIT$/],
      ],
      [
        'DELETE, another’s',
        () => call('DELETE', '/posts/1', { token: bob.token }),
        [caller, /^BEGIN/, /^delete from "posts" where \(?"owner_id" = /, /^select "posts"/, /^ROLLBACK$/],
      ],
      [
        'DELETE /posts/1',
        () => call('DELETE', '/posts/1', { token }),
        [caller, /^BEGIN/, /^delete from "posts" where \(?"owner_id" = /, /^COMMIT$/],
      ],
      ['a bad token', () => call('GET', '/posts', { token: 'x' }), []],
      ['a bad body', () => call('POST', '/posts', { token, json: {} }), [caller]],
      ['a bad sign-up', () => call('POST', '/users', { json: {} }), []],
      ['a bad log-in', () => call('POST', '/login', { json: {} }), []],
    ] as const) {
      await taken()
      await send()
      const sent = statements(await taken())
      t.equal(sent.length, expected.length, `${name}: ${sent.join('; ')}`)
      for (const [index, pattern] of expected.entries()) t.match(sent[index], pattern, name)
    }
  },
)

/** Waits until as many users have been looked up, and what comes of that at once is done. */
async function lookUps(app: FastifyInstance, count: number): Promise<void> {
  for await (const [, { sql }] of on(app.knex, 'query-response')) {
    if (/^select .*from "?users/i.test(sql) && --count === 0) break
  }
  await turn()
}

/** How many of the pool's connections are in somebody's hands. */
function used(app: FastifyInstance): number {
  return app.knex.client.pool.numUsed()
}

/** Sends a post but for the end of its body, and that only when told to. */
function dribble(url: string, token: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).setEncoding('utf8')
  socket.write(
    `POST /posts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY.slice(0, 9)}`,
  )
  let answer = ''
  const status = once(socket, 'data').then(([chunk]) => {
    answer = chunk
    socket.destroy()
    return answer.slice(9, 12)
  })
  return { status, isAnswered: () => answer !== '', finish: () => socket.write(BODY.slice(9)) }
}
