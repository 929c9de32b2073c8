import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import t from 'tap'
import { LISTENS, run, SERVER } from '../test/process.ts'

t.test('a family that ended in one process is ended in every other', async (t) => {
  const database = await createTestDatabase()
  t.teardown(() => database.drop())
  const env = {
    DATABASE_URL: database.url,
    JWT_SECRET: 'an own secret for this test, 32 bytes or more',
    BCRYPT_COST: '10',
  }
  const [one, other] = [run(t, SERVER, env), run(t, SERVER, env)]
  const here = await one.says(LISTENS)
  const there = await other.says(LISTENS)

  const credentials = { email: 'ann@example.com', password: 'a good password' }
  t.equal((await post(`${here}/users`, credentials)).status, 201)
  const login = await post(`${here}/login`, { username: credentials.email, password: credentials.password })
  const refresh = (url: string, { refresh_token }: Tokens) => post(`${url}/token/refresh`, { refresh_token })

  const first = await refresh(there, login.body)
  t.equal(first.status, 200, 'any process takes the token of another')
  const second = await refresh(here, first.body)
  t.equal(second.status, 200)
  t.equal((await get(`${there}/users/me`, second.body)).status, 200)

  t.equal((await refresh(here, login.body)).status, 401, 'a spent token is seen again')
  t.equal((await refresh(there, second.body)).status, 401, 'and the other process refuses the newest')
})

interface Tokens {
  access_token: string
  refresh_token: string
}

async function post(url: string, json: object): Promise<{ status: number; body: Tokens }> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(json) })
  return { status: response.status, body: (await response.json()) as Tokens }
}

function get(url: string, { access_token }: Tokens): Promise<Response> {
  return fetch(url, { headers: { authorization: `Bearer ${access_token}` } })
}
