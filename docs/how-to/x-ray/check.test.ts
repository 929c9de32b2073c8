import { randomBytes } from 'node:crypto'
import t from 'tap'
import { callRaw } from '../../../test-support/social-api.ts'
import { watch } from '../../../tools/xray/test/watch.ts'
import { openDatabase } from '../../check/database.ts'
import { buildApp } from './app.ts'

const { knex } = await openDatabase(t, new URL('users.sql', import.meta.url))
const secret = randomBytes(32).toString('base64url')

// #region start
const xrayKey = process.env['NODE_ENV'] === 'production' ? undefined : randomBytes(32).toString('base64url')
const app = await buildApp(knex, { secret, ...(xrayKey && { xrayKey }) })
const url = await app.listen({ host: '127.0.0.1', port: 0 })
if (xrayKey) console.log(`X-ray: ${url}/xray?key=${xrayKey}`)
// #endregion
t.teardown(() => app.close())

const cookie = `xray-${new URL(url).port}=${xrayKey}`
const ada = { email: 'ada@example.com', password: 'tomatoes in june' }
const post = (path: string, json: object) =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(json),
  })

t.test('X-ray shows what a request did, and the rows that it changed', async (t) => {
  const watching = await watch(t, url, { cookie })
  const signUp = await post('/users', ada)
  t.equal(signUp.status, 201)
  const trace = await watching.until(signUp.headers.get('x-request-id') ?? '')
  const kinds = trace.steps.map(({ kind }) => kind)
  for (const kind of ['hash', 'begin', 'query', 'commit'])
    t.ok(
      kinds.some((one) => one === kind),
      kind,
    )
  const { body: tables } = await callRaw(url, `/xray/tables?request=${trace.id}`, { headers: { cookie } })
  t.match(tables, [{ name: 'users', count: 1, rows: [{ change: { kind: 'inserted', others: 0 } }] }])

  const { access_token } = (await (await post('/login', ada)).json()) as { access_token: string }
  const me = await fetch(`${url}/me`, { headers: { authorization: `Bearer ${access_token}` } })
  t.match(await watching.until(me.headers.get('x-request-id') ?? ''), { caller: { id: 1, name: ada.email } })
  t.notMatch(watching.text(), /\$2b\$|eyJ|tomatoes/)
})

t.test('without the key, and if it is not registered, X-ray is a 404', async (t) => {
  t.equal((await callRaw(url, '/xray', { headers: { cookie } })).status, 200)
  t.equal((await callRaw(url, '/xray')).status, 404)
  const without = await buildApp(knex, { secret })
  t.teardown(() => without.close())
  t.equal((await without.inject({ url: '/xray', headers: { cookie } })).statusCode, 404)
})
