import { on, once } from 'node:events'
import { connect } from 'node:net'
import { availableParallelism } from 'node:os'
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'
import { DEMO_USERS } from '../src/demo/data.ts'

const twenty = Array.from({ length: 20 }, (_, index) => index)
/** A hash that takes four times as long as those of the demo users. */
const SLOW = DEMO_USERS[0]?.password.replace('$12$', '$14$')
const BODY = JSON.stringify({ title: 'slow', content: 'b' })

t.test('logins, sign-ups and slow uploads hold no database connection while they wait', async (t) => {
  const { app, call, url, signUp } = await serve(t, { poolMax: 2 })
  const { token } = await signUp('ann@example.com')
  const form = { username: 'ann@example.com', password: 'a good password' }

  let lookedUp = waitForLookups(app, 20)
  const uploads = twenty.map(() => startUpload(url, token))
  await lookedUp

  // Every hashing thread is busy for a second, so the logins and sign-ups below wait for their turn.
  const busy = Array.from({ length: availableParallelism() }, () =>
    app.hasher.verify({ password: 'x', hash: SLOW }),
  )
  lookedUp = waitForLookups(app, 20)
  let hashing = 0
  const countHashing = (response: Promise<{ status: number }>) => {
    hashing++
    return response.finally(() => hashing--)
  }
  const logIns = twenty.map(() => countHashing(call('POST', '/login', { form })))
  const signUps = [1, 2, 3].map((n) => {
    const json = { email: `new${n}@example.com`, password: 'a good password' }
    return countHashing(call('POST', '/users', { json }))
  })
  await lookedUp
  t.equal(used(app), 0, 'the users are looked up, and no connection is in use')

  const { status } = await call('GET', '/posts', { token })
  t.equal(status, 200)
  t.equal(hashing, 23, 'no password is hashed yet')
  t.same(
    uploads.filter(({ hasResponse }) => hasResponse()),
    [],
    'no upload is complete yet',
  )

  for (const upload of uploads) upload.finish()
  t.same([...new Set(await Promise.all(uploads.map(({ status }) => status)))], ['201'])
  await Promise.all(busy)
  t.same([...new Set((await Promise.all(logIns)).map(({ status }) => status))], [200])
  t.same([...new Set((await Promise.all(signUps)).map(({ status }) => status))], [201])
})

t.test('a route that queries first and then waits holds a connection', async (t) => {
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

/** Waits until this number of users have been looked up. */
async function waitForLookups(app: FastifyInstance, count: number): Promise<void> {
  for await (const [, { sql }] of on(app.knex, 'query-response')) {
    if (/^select .*from "?users/i.test(sql) && --count === 0) break
  }
  await turn()
}

/** Returns the number of connections in use. */
function used(app: FastifyInstance): number {
  return app.knex.client.pool.numUsed()
}

/** Starts to send a post; `finish` sends the rest of its body. */
function startUpload(url: string, token: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).setEncoding('utf8')
  socket.write(
    `POST /posts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY.slice(0, 9)}`,
  )
  let response = ''
  const status = once(socket, 'data').then(([chunk]) => {
    response = chunk
    socket.destroy()
    return response.slice(9, 12)
  })
  return { status, hasResponse: () => response !== '', finish: () => socket.write(BODY.slice(9)) }
}
