import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { explainToken } from '@auth-primer/jwt-kit'
import type { FastifyInstance } from 'fastify'
import { chapter } from '../../check/chapter.ts'
import { startProgram, TYPESCRIPT } from '../../check/program.ts'

const NOON = Date.parse('2026-11-22T12:00:00Z')
const SECRET = randomBytes(32).toString('base64url')
const ADA = { email: 'ada@example.com', password: 'tomatoes in june' }

/** The attributes of a session cookie, and how each may be written. */
const ATTRIBUTES = {
  HttpOnly: ['httponly'],
  Secure: ['secure'],
  'SameSite=Lax or SameSite=Strict': ['samesite=lax', 'samesite=strict'],
}

const PROGRAM = `${import.meta.dirname}/steps/serve.ts`

await chapter(import.meta.url, async ({ file, load, check, atEnd }) => {
  const { buildApp } = await load<typeof import('./solution/app.ts')>('app.ts')
  let now = NOON
  const app = buildApp({ secret: SECRET, now: () => now })
  atEnd(() => app.close())

  await check(
    'not-known',
    'the cookie and the token of a login identify the user; made-up ones do not',
    [
      'What must the server keep to recognize the cookie? What must it keep to recognize the token?',
      'Store the user ID under the session ID in a `Map`, and send the session ID in a cookie. Sign the user ID into a token.',
      '`sessions.set(id, user)`, `reply.header("set-cookie", …)`; `kit.access.sign({ sub: user })`, `kit.access.guard()`.',
    ],
    async () => {
      const { cookie, token } = await logIn(app)
      assert.deepEqual(
        await whoHas(app, { cookie }),
        { status: 200, user: '7' },
        'GET /session/me with the cookie of a login must return its user.',
      )
      assert.deepEqual(
        await whoHas(app, { token }),
        { status: 200, user: '7' },
        'GET /token/me with the token of a login must return its user.',
      )
      const stranger = { cookie: 'sid=somebody', token: `${token}x` }
      assert.equal(
        (await whoHas(app, { cookie: stranger.cookie })).status,
        401,
        'GET /session/me with a made-up cookie must return 401.',
      )
      assert.equal(
        (await whoHas(app, { token: stranger.token })).status,
        401,
        'GET /token/me with a changed token must return 401.',
      )
    },
  )

  await check(
    'guessable',
    'session IDs cannot be guessed',
    [
      'Log in twice and compare the two cookies. Can you predict the third one?',
      'Anyone who has the session ID acts as the user. Create it from at least 128 random bits.',
      "Use `randomBytes(32).toString('base64url')` or `randomUUID()` from `node:crypto`.",
    ],
    async () => {
      const [one, two] = [idIn((await logIn(app)).cookie), idIn((await logIn(app)).cookie)]
      assert.notEqual(one, two, 'Two logins must not have the same session ID.')
      // Nearly every character of two random IDs differs. With a counter or a clock, only the last few do.
      const different = [...one].filter((character, index) => character !== two[index]).length
      assert.ok(
        different >= 16,
        `Two session IDs in a row were ${one} and ${two}. They are too similar to be random.`,
      )
    },
  )

  await check(
    'bare-cookie',
    'the cookie has HttpOnly, Secure and SameSite',
    [
      'Print the `set-cookie` header of `POST /login`. Which attributes does it have?',
      'HttpOnly hides the cookie from scripts, Secure keeps it off plain HTTP, and SameSite off requests of foreign pages.',
      'Send `sid=…; HttpOnly; Secure; SameSite=Lax; Path=/` as the value of the header `set-cookie`.',
    ],
    async () => {
      const { setCookie } = await logIn(app)
      const attributes = setCookie.split(';').map((part) => part.trim().toLowerCase())
      for (const [name, values] of Object.entries(ATTRIBUTES))
        assert.ok(
          values.some((value) => attributes.includes(value)),
          `The cookie of POST /login must have the attribute ${name}.`,
        )
    },
  )

  await check(
    'cookie-only',
    'after the logout, the server rejects the session ID',
    [
      'Somebody copied the cookie. Does the copy still work after its owner logs out?',
      'Deleting the cookie in the browser is not enough. Delete the session on the server.',
      '`sessions.delete(sessionId(request))` in `POST /logout`.',
    ],
    async () => {
      const [mine, other] = [await logIn(app), await logIn(app)]
      await app.inject({ method: 'POST', url: '/logout', headers: { cookie: mine.cookie } })
      assert.equal(
        (await whoHas(app, mine)).status,
        401,
        'After the logout, GET /session/me with the old cookie must return 401.',
      )
      assert.equal(
        (await whoHas(app, other)).status,
        200,
        'A logout must not end another login of the same user.',
      )
    },
  )

  await check(
    'not-until-exp',
    'the token still works after the logout, until exactly `exp`',
    [
      'When a token arrives, does your code look anything up? Does it use the clock that `buildApp` gets?',
      'Let `exp` end the token, by the clock that `buildApp` gets. Keep no list of tokens: that would be a session again.',
      'Pass the clock to the kit, `jwtKit({ …, now })`, and a lifetime to the kind of token, `ttl: "30m"`.',
    ],
    async () => {
      const { cookie, token } = await logIn(app)
      await app.inject({ method: 'POST', url: '/logout', headers: { cookie } })
      const exp = Number(explainToken(token).claims.find(({ name }) => name === 'exp')?.value)
      assert.ok(exp * 1000 > NOON, 'The token must have an `exp` in the future.')
      now = exp * 1000 - 1000
      assert.equal(
        (await whoHas(app, { token })).status,
        200,
        'One second before `exp`, the token must be accepted.',
      )
      now = exp * 1000
      assert.equal((await whoHas(app, { token })).status, 401, 'From `exp` on, the token must be rejected.')
      now = NOON
    },
  )

  await check(
    'own-secret',
    'a second process with the same secret accepts the token but not the session',
    [
      'Two processes share only the arguments they are started with. What does each need to verify a token?',
      'Sign with the `secret` that `buildApp` gets, not with a key that is created at the start.',
      "`keyring('HS256', [{ kid: '1', key: secret }])`",
    ],
    async () => {
      const here = buildApp({ secret: SECRET })
      atEnd(() => here.close())
      const { cookie, token } = await logIn(here)
      const second = await startProgram([...TYPESCRIPT, PROGRAM, pathToFileURL(file('app.ts')).href], {
        env: { JWT_SECRET: SECRET, PORT: '0' },
      })
      atEnd(second.end)
      const [there] = await second.waitForOutput(/http:\S+(?=\n)/)
      assert.equal(
        await statusOf(there, '/token/me', { authorization: `Bearer ${token}` }),
        200,
        'A second process with the same secret must accept the token.',
      )
      assert.equal(
        await statusOf(there, '/session/me', { cookie }),
        401,
        'A second process must not recognize a session that is kept in memory.',
      )
    },
  )
})

async function logIn(app: FastifyInstance): Promise<{ cookie: string; token: string; setCookie: string }> {
  const response = await app.inject({ method: 'POST', url: '/login', body: ADA })
  assert.ok(
    response.statusCode === 200,
    `POST /login must return 200. It returned ${response.statusCode}: ${response.body}`,
  )
  const [first = ''] = [response.headers['set-cookie']].flat()
  const [cookie = ''] = first.split(';')
  const token = response.json().access_token
  assert.ok(idIn(cookie), 'The response of POST /login must set a cookie.')
  assert.ok(typeof token === 'string', 'The response of POST /login must have an `access_token`.')
  return { cookie, token, setCookie: first }
}

function idIn(cookie: string): string {
  return cookie.slice(cookie.indexOf('=') + 1)
}

async function whoHas(app: FastifyInstance, { cookie, token }: { cookie?: string; token?: string }) {
  const response = cookie
    ? await app.inject({ url: '/session/me', headers: { cookie } })
    : await app.inject({ url: '/token/me', headers: { authorization: `Bearer ${token}` } })
  return response.statusCode === 200
    ? { status: 200, user: response.json().user }
    : { status: response.statusCode }
}

async function statusOf(address: string, path: string, headers: Record<string, string>): Promise<number> {
  return (await fetch(address + path, { headers })).status
}
