import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'

// #region two
const env = { ...process.env, JWT_SECRET: randomBytes(32).toString('base64url'), PORT: '0' }
const start = () =>
  fork(`${import.meta.dirname}/serve.ts`, { env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })

const first = start()
const firstUrl = await addressOf(first)
const second = start()
const secondUrl = await addressOf(second)
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

first.kill()
second.kill()

/** Waits until the process prints its address. */
async function addressOf({ stdout }: ChildProcess): Promise<string> {
  const [line] = await once(stdout as NodeJS.ReadableStream, 'data')
  return `${line}`.replace('Listening on ', '').trim()
}
