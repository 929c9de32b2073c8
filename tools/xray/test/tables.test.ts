import t from 'tap'
import { DEMO_PASSWORD, DEMO_USERS } from '../../../examples/social-api/src/demo/data.ts'
import { seed } from '../../../examples/social-api/src/demo/seed.ts'
import { createXrayOptions } from '../../../examples/social-api/src/demo/xray.ts'
import { SECRET } from '../../../test-support/social-api.ts'
import { toCell } from '../server/cell.ts'
import type { RowView, TableView } from '../server/table-view.ts'
import { serveXray } from './setup.ts'
import { watch } from './watch.ts'

const service = await serveXray(t, { hasDemoData: true })
const { app, url, call } = service
await seed(app.knex)
const logIn = await call('POST', '/login', {
  form: { username: 'maya@example.com', password: DEMO_PASSWORD },
})
const maya = { id: 1, token: logIn.body.access_token as string }
const watching = await watch(t, url)
await call('GET', '/xray/tables?request=0')

/** Sends a request, and returns what it changed. */
async function send(...args: Parameters<typeof call>) {
  const { headers } = await call(...args)
  const { id } = await watching.until(headers.get('x-request-id') ?? '')
  return readChanges(id)
}

async function readChanges(request: number): Promise<Record<string, RowView[]>> {
  const { body }: { body: TableView[] } = await call('GET', `/xray/tables?request=${request}`)
  return Object.fromEntries(body.map(({ name, rows }) => [name, rows.filter(({ change }) => change)]))
}

t.test('the rows that a request inserted, updated and deleted are marked, and no others', async (t) => {
  const token = maya.token
  const json = { title: 'Peas', content: 'Soak them.' }
  const created = await send('POST', '/posts', { token, json })
  const inserted = { kind: 'inserted', columns: [], others: 0 }
  t.match(created, { users: [], posts: [{ change: inserted }], votes: [] })
  const [id] = created.posts?.[0]?.cells ?? []
  t.match(created.posts?.[0]?.cells, [id, 'Peas', 'Soak them.', 'true'])

  t.match(await send('POST', '/vote', { token, json: { post_id: Number(id), dir: 1 } }), {
    posts: [],
    votes: [{ change: inserted, cells: [String(maya.id), id] }],
  })
  t.match(await send('PUT', `/posts/${id}`, { token, json: { ...json, content: 'Sow them.' } }), {
    posts: [{ change: { kind: 'updated', columns: ['content'], others: 0 } }],
    votes: [],
  })
  t.match(await send('DELETE', `/posts/${id}`, { token }), {
    posts: [{ change: { kind: 'deleted' }, cells: [id, 'Peas', 'Sow them.'] }],
    votes: [{ change: { kind: 'deleted' }, cells: [String(maya.id), id] }],
  })
})

t.test('a request that was rolled back, or only reads, has changed no row', async (t) => {
  const none = { users: [], posts: [], votes: [] }
  t.same(await send('POST', '/users', { json: { email: 'maya@example.com', password: DEMO_PASSWORD } }), none)
  t.same(await send('GET', '/posts', { token: maya.token }), none)
  t.same(await readChanges(0), none)
})

t.test('of requests that commit at the same moment, each is said to share its changes', async (t) => {
  const emails = Array.from({ length: 6 }, (_, index) => `sprout-${index}@example.com`)
  const sent = await Promise.all(
    emails.map((email) => call('POST', '/users', { json: { email, password: DEMO_PASSWORD } })),
  )
  for (const [index, { headers, body }] of sent.entries()) {
    const { id } = await watching.until(headers.get('x-request-id') ?? '')
    const { users = [] } = await readChanges(id)
    const own = users.find(({ cells }) => cells[0] === String(body.id))
    t.match(own?.cells, [String(body.id), emails[index]])
    t.ok(users.length === 1 || (own?.change?.others ?? 0) > 0, `${users.length} rows`)
  }
})

t.test('no table shows a hash', async (t) => {
  const { body, headers } = await call('GET', '/xray/tables?request=0')
  t.match(headers.get('content-type'), 'json')
  t.notMatch(JSON.stringify(body), /\$2b\$\d\d\$[./\w]{7}/)
  const hashes = body[0].rows.map(({ cells }: RowView) => cells[2])
  t.ok(new Set(hashes).size >= DEMO_USERS.length, 'but so much of it that they look different')
})

t.test('toCell() shortens long values, and shows nothing of what may be secret', async (t) => {
  const jwt = `eyJhbGciOiJIUzI1NiJ9.${'a'.repeat(40)}.${'b'.repeat(43)}`
  const uuid = '01890a5d-ac96-774b-bcce-b302099a8057'
  const cells: [string, unknown, string | null][] = [
    ['title', 'Peas', 'Peas'],
    ['title', 'x '.repeat(40), `${'x '.repeat(30)}…`],
    ['id', 7, '7'],
    ['id', uuid, uuid],
    ['published', false, 'false'],
    ['created_at', new Date(0), '1970-01-01 00:00:00'],
    ['deleted_at', null, null],
    ['tags', ['a'], '["a"]'],
    ['password', 'hunter2', '…'],
    ['refreshToken', 'abc', '…'],
    ['api_key', 42, '…'],
    ['password_changed_at', new Date(0), '1970-01-01 00:00:00'],
    ['p', `$2b$12$${'s'.repeat(22)}${'d'.repeat(31)}`, '$2b$12$ssssss…'],
    ['p', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', '$argon2id$v=19$m…'],
    ['note', jwt, 'eyJhbG…'],
    ['note', 'f'.repeat(64), 'ffffff…'],
  ]
  for (const [column, value, cell] of cells) t.equal(toCell(column, value), cell, column)
})

t.test('a reset restores the demo data, and no new user gets the id of an earlier one', async (t) => {
  const ada = await service.signUp('ada@example.com')
  t.equal((await call('POST', '/xray/reset', { headers: { cookie: '' } })).status, 404, 'only with the key')
  t.equal((await app.knex('users').where({ id: ada.id })).length, 1)

  t.equal((await call('POST', '/xray/reset')).status, 204)
  const users = await app.knex('users').orderBy('id').select('id', 'email')
  t.same(
    users,
    DEMO_USERS.map(({ email }, index) => ({ id: index + 1, email })),
  )
  t.equal((await call('GET', '/users/me', { token: ada.token })).status, 401)
  const bob = await service.signUp('bob@example.com')
  t.ok(bob.id > ada.id, `${bob.id}`)
  t.equal((await call('GET', '/users/me', { token: ada.token })).status, 401)
})

t.test('without demo data, there are no demo users and no reset', async (t) => {
  const config = { jwtSecret: SECRET, accessTokenTtl: '30m', refreshTokenTtl: '1d', refreshFamilyTtl: '1d' }
  const { service, reset } = await createXrayOptions(app, 'key', { ...config, hasDemoData: false })
  t.same([service.demoUsers, reset], [undefined, undefined])
  const withDemo = await createXrayOptions(app, 'key', { ...config, hasDemoData: true })
  t.equal(withDemo.service.demoUsers?.users.length, DEMO_USERS.length)
  t.type(withDemo.reset, 'function')
})
