import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { buildApp } from '../solution/app.ts'

const JWT_SECRET = randomBytes(32).toString('base64url')

// #region two
const first = buildApp({ secret: JWT_SECRET })
const firstUrl = await first.listen({ host: '127.0.0.1', port: 0 })

const env = { ...process.env, JWT_SECRET, PORT: '0' }
const second = fork(`${import.meta.dirname}/serve.ts`, { env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
const [line] = await once(second.stdout as NodeJS.ReadableStream, 'data')
const secondUrl = `${line}`.replace('Listening on ', '').trim()
// #endregion

// #region ask
const login = await fetch(`${firstUrl}/login`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ email: 'ada@example.com', password: 'tomatoes in june' }),
})
const [cookie = ''] = `${login.headers.get('set-cookie')}`.split(';')
const { access_token } = (await login.json()) as { access_token: string }

for (const [name, url] of Object.entries({ first: firstUrl, second: secondUrl })) {
  const session = await fetch(`${url}/session/me`, { headers: { cookie } })
  const token = await fetch(`${url}/token/me`, { headers: { authorization: `Bearer ${access_token}` } })
  console.log(`${name} process: session ${session.status}, token ${token.status}`)
}
// #endregion

second.kill()
await first.close()
