import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { buildApp } from '../chapters/app/app.ts'
import { openMigrated } from '../check/database.ts'

const database = await openMigrated(t, 'users')
const [ada] = await database.knex('users').insert({ email: 'ada@example.com', password: '!' }).returning('id')

/** Builds the chapters' app with a new secret and a route for known callers. */
async function openApp(t: Test) {
  const secret = randomBytes(32).toString('base64url')
  const app = await buildApp({ databaseUrl: database.url, secret }, async (app) => {
    app.get('/me', { onRequest: app.authenticate }, async (request) =>
      request
        .db('users')
        .where({ id: app.callerId(request) })
        .first('email'),
    )
  })
  t.teardown(() => app.close())
  const me = async (authorization: string) => {
    const { statusCode, json } = await app.inject({ url: '/me', headers: { authorization } })
    return { status: statusCode, body: json() }
  }
  return { app, me }
}

t.test('the chapters’ app knows the user of a token that it issued', async (t) => {
  const { app, me } = await openApp(t)
  t.match(await me(`Bearer ${app.issueToken(ada)}`), { status: 200, body: { email: 'ada@example.com' } })
})

t.test('the chapters’ app rejects a token of another secret, and a request without one', async (t) => {
  const { me } = await openApp(t)
  const { app: other } = await openApp(t)
  t.equal((await me(`Bearer ${other.issueToken(ada)}`)).status, 401)
  t.equal((await me('')).status, 401)
})
