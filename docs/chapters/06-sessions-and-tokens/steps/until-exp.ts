import { randomBytes } from 'node:crypto'
import { buildApp } from '../solution/app.ts'

// #region clock
let now = Date.parse('2026-11-22T12:00:00Z')
const app = buildApp({ secret: randomBytes(32).toString('base64url'), now: () => now })
// #endregion

const body = { email: 'ada@example.com', password: 'tomatoes in june' }
const { access_token } = (await app.inject({ method: 'POST', url: '/login', body })).json()
const headers = { authorization: `Bearer ${access_token}` }

// #region wait
for (const time of ['12:00:00', '12:29:59', '12:30:00']) {
  now = Date.parse(`2026-11-22T${time}Z`)
  const { statusCode } = await app.inject({ url: '/token/me', headers })
  console.log(time, statusCode)
}
// #endregion
