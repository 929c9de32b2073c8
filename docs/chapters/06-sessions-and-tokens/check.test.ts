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

const PROGRAM = `${import.meta.dirname}/steps/serve.ts`

await chapter(import.meta.url, async ({ file, load, claim, atEnd }) => {
  const { buildApp } = await load<typeof import('./solution/app.ts')>('app.ts')
  let now = NOON
  const app = buildApp({ secret: SECRET, now: () => now })
  atEnd(() => app.close())

  await claim(
    'not-known',
    'who logs in is known by the cookie, and by the token; nobody else is',
    [
      'What must the server keep to know the cookie’s owner again, and what for the token’s?',
      'Keep user ids by session id, in a `Map`, and send the session id in a cookie. Sign the user id into a token.',
      '`sessions.set(id, user)`, `reply.header("set-cookie", …)`; `kit.access.sign({ sub: user })`, `kit.access.guard()`.',
    ],
    async () => {
      const { cookie, token } = await logIn(app)
      assert.deepEqual(await whoHas(app, { cookie }), { status: 200, user: '7' }, 'Asked with the cookie.')
      assert.deepEqual(await whoHas(app, { token }), { status: 200, user: '7' }, 'Asked with the token.')
      const stranger = { cookie: 'sid=somebody', token: `${token}x` }
      assert.equal(
        (await whoHas(app, { cookie: stranger.cookie })).status,
        401,
        'Asked with a made-up cookie.',
      )
      assert.equal((await whoHas(app, { token: stranger.token })).status, 401, 'Asked with a forged token.')
    },
  )

  await claim(
    'guessable',
    'no session id can be guessed',
    [
      'Log in twice and look at the two cookies. What would the third one be?',
      'The id is all that it takes to be somebody. Make it of at least 128 random bits.',
      "`randomBytes(32).toString('base64url')` of `node:crypto`, or `randomUUID()`.",
    ],
    async () => {
      const [one, two] = [idIn((await logIn(app)).cookie), idIn((await logIn(app)).cookie)]
      assert.notEqual(one, two, 'Two log-ins have one and the same session id.')
      // Of random ids nearly each character is another one; of a counter or a clock only the last few.
      const different = [...one].filter((character, index) => character !== two[index]).length
      assert.ok(different >= 16, `The ids are ${one} and ${two}: what comes next?`)
    },
  )

  await claim(
    'cookie-only',
    'after the log-out, the session id is worth nothing',
    [
      'Somebody has copied the cookie. What happens to the copy when its owner logs out?',
      'To delete the cookie in the browser is good manners. What ends the session is to delete it on the server.',
      '`sessions.delete(sessionId(request))` in `POST /logout`.',
    ],
    async () => {
      const [mine, other] = [await logIn(app), await logIn(app)]
      await app.inject({ method: 'POST', url: '/logout', headers: { cookie: mine.cookie } })
      assert.equal((await whoHas(app, mine)).status, 401, 'The old cookie is still good.')
      assert.equal(
        (await whoHas(app, other)).status,
        200,
        'Another log-in of the same user has ended with it.',
      )
    },
  )

  await claim(
    'not-until-exp',
    'the token is good after the log-out, until the second of `exp`',
    [
      'Who would have to know of the log-out for the token to end? And who is asked when it comes?',
      'Let `exp` end it, by the clock that `buildApp` is given. Keep no list: that would be a session again.',
      'Give the kit the clock, `jwtKit({ …, now })`, and the kind an end, `ttl: "30m"`.',
    ],
    async () => {
      const { cookie, token } = await logIn(app)
      await app.inject({ method: 'POST', url: '/logout', headers: { cookie } })
      const exp = Number(explainToken(token).claims.find(({ name }) => name === 'exp')?.value)
      assert.ok(exp * 1000 > NOON, 'The token has no `exp` that is to come.')
      now = exp * 1000 - 1000
      assert.equal((await whoHas(app, { token })).status, 200, 'A second before `exp` it was refused.')
      now = exp * 1000
      assert.equal((await whoHas(app, { token })).status, 401, 'On the second of `exp` it was accepted.')
      now = NOON
    },
  )

  await claim(
    'own-secret',
    'a second process with the same secret knows the token, and not the session',
    [
      'Two processes have nothing in common but what they are given. What does each need to verify a token?',
      'Sign with the `secret` that `buildApp` is given, and with no key that is made at the start.',
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
      const [there] = await second.says(/http:\S+(?=\n)/)
      assert.equal(
        await statusOf(there, '/token/me', { authorization: `Bearer ${token}` }),
        200,
        'It refused the token.',
      )
      assert.equal(await statusOf(there, '/session/me', { cookie }), 401, 'It knows the session.')
    },
  )
})

async function logIn(app: FastifyInstance): Promise<{ cookie: string; token: string }> {
  const answer = await app.inject({ method: 'POST', url: '/login', body: ADA })
  assert.ok(answer.statusCode === 200, `POST /login was answered with ${answer.body || answer.statusCode}`)
  const [first = ''] = [answer.headers['set-cookie']].flat()
  const [cookie = ''] = first.split(';')
  const token = answer.json().access_token
  assert.ok(idIn(cookie), 'The answer of POST /login sets no cookie.')
  assert.ok(typeof token === 'string', 'The answer of POST /login has no `access_token`.')
  return { cookie, token }
}

function idIn(cookie: string): string {
  return cookie.slice(cookie.indexOf('=') + 1)
}

async function whoHas(app: FastifyInstance, { cookie, token }: { cookie?: string; token?: string }) {
  const answer = cookie
    ? await app.inject({ url: '/session/me', headers: { cookie } })
    : await app.inject({ url: '/token/me', headers: { authorization: `Bearer ${token}` } })
  return answer.statusCode === 200 ? { status: 200, user: answer.json().user } : { status: answer.statusCode }
}

async function statusOf(address: string, path: string, headers: Record<string, string>): Promise<number> {
  return (await fetch(address + path, { headers })).status
}
