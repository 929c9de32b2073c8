import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { hash } from '@auth-primer/auth-hash'
import { explainToken } from '@auth-primer/jwt-kit'
import { chapter, type Hints } from '../../check/chapter.ts'

const NOON = Date.parse('2026-11-22T12:00:00Z')
const DAY_MS = 24 * 60 * 60_000
const SECRET = randomBytes(32).toString('base64url')
const ADA = { email: 'ada@example.com', password: 'tomatoes in june' }

type App = Awaited<ReturnType<typeof import('./solution/app.ts')['buildApp']>>

await chapter(import.meta.url, async ({ file, load, database, check, expectation, atEnd }) => {
  const { buildApp } = await load<typeof import('./solution/app.ts')>('app.ts', 'buildApp')
  const { knex, url } = await database({ tables: 'users' })
  await knex('users').insert({ email: 'bob@example.com', password: '!' })
  const [ada] = await knex('users')
    .insert({ email: ADA.email, password: await hash(ADA.password) })
    .returning('id')
  let now = NOON
  const settings = { databaseUrl: url, secret: SECRET, now: () => now }
  const app = await buildApp(settings)
  atEnd(() => app.close())
  const logIn = () => app.inject({ method: 'POST', url: '/login', body: ADA })

  let one: Login
  let two: Login

  await check(
    'not-known',
    'the cookie and the token from a login identify the user, and made-up ones do not',
    [
      'What must the server keep to recognize the cookie? What must it keep to recognize the token?',
      'For the session, store the user ID under the session ID in a `Map`, and send the session ID in a cookie. For the token, sign a token that contains the user ID.',
      '`sessions.set(id, user.id)`, `reply.header("set-cookie", …)`; `kit.access.sign({ sub: String(user.id) })`, `kit.access.guard()`.',
    ],
    async () => {
      // Whatever is made of Math.random() can be predicted, and is equal in both logins now.
      const { random } = Math
      Math.random = () => 0.42
      const responses = await Promise.all([logIn(), logIn()]).finally(() => {
        Math.random = random
      })
      for (const { statusCode, body } of responses)
        assert.ok(statusCode === 200, `POST /login must return 200. It returned ${statusCode}: ${body}`)
      const [first, second] = responses.map(readLogin)
      one = first as Login
      two = second as Login
      await expectation(
        'no-cookie',
        [
          'Which headers does the response to `POST /login` have? A browser stores the cookie that is in `set-cookie`.',
          'Send the session ID in a cookie named `sid`. A browser does not automatically send back data from the body.',
          'Call `reply.header("set-cookie", …)` with the value `sid=…; HttpOnly; Secure; SameSite=Lax; Path=/`.',
        ],
        () => assert.ok(idIn(one.cookie), 'The response to POST /login must set a cookie.'),
      )
      await expectation(
        'no-token',
        [
          'What does `POST /login` return? The token belongs in the body.',
          'Return an object with `access_token` and `token_type`.',
          "`return { access_token: kit.access.sign({ sub: String(user.id) }), token_type: 'bearer' }`",
        ],
        () =>
          assert.ok(
            /^[\w-]+\.[\w-]+\.[\w-]+$/.test(one.token),
            'The response to POST /login must have an `access_token` that is a JWT.',
          ),
      )
      const known = { status: 200, user: ada.id }
      await expectation(
        'session-unknown',
        [
          'Which ID is in the cookie, and which ID did you store the session under?',
          'Read the ID from the cookie with `sessionId(request)`, look it up, and return `{ user }` with the user’s ID.',
          '`const user = sessions.get(sessionId(request))`, then `return { user }`.',
        ],
        async () =>
          assert.deepEqual(
            await whoHas(app, { cookie: one.cookie }),
            known,
            'GET /session/me with the cookie from a login must return the user who logged in.',
          ),
      )
      await expectation(
        'token-unknown',
        [
          'The token is in the `Authorization: Bearer …` header. Does `GET /token/me` read it from there?',
          'Verify the token with the same key and clock that you sign it with, and return `{ user }` with the ID from `sub`.',
          '`{ onRequest: kit.access.guard() }`, then `kit.access.claims(request).sub`.',
        ],
        async () =>
          assert.deepEqual(
            await whoHas(app, { token: one.token }),
            known,
            'GET /token/me with the token from a login must return the user who logged in.',
          ),
      )
      await expectation(
        'anybody',
        [
          'Send `GET /session/me` and `GET /token/me` without a cookie and without a token. What happens?',
          'Respond with 401 to every request without a valid cookie or token. A missing header must not cause a server error.',
          "`if (user === undefined) return reply.code(401).send({ detail: 'Not authenticated' })`; `kit.access.guard()` does the same for the token.",
        ],
        async () => {
          for (const [path, headers] of [
            ['/session/me', {}],
            ['/session/me', { cookie: 'sid=somebody' }],
            ['/session/me', { cookie: 'sid=' }],
            ['/token/me', {}],
            ['/token/me', { authorization: 'Bearer somebody' }],
          ] as const) {
            const { statusCode } = await app.inject({ url: path, headers })
            const sent = JSON.stringify(headers)
            assert.equal(statusCode, 401, `GET ${path} with the headers ${sent} must return 401.`)
          }
        },
      )
      await expectation(
        'unverified',
        [
          'Anyone can write a token. How does `GET /token/me` know that your server signed it?',
          'Reading the claims is not enough. Verify the signature with the secret.',
          '`kit.access.guard()` and `kit.access.verify(token)` verify the signature. Decoding does not.',
        ],
        async () => {
          const [header, , signature] = one.token.split('.')
          const claims = JSON.stringify({ ...one.claims, sub: '1' })
          const forged = [header, Buffer.from(claims).toString('base64url'), signature].join('.')
          for (const token of [forged, `${one.token}x`])
            assert.equal(
              (await whoHas(app, { token })).status,
              401,
              'GET /token/me must return 401 for a token that was changed.',
            )
        },
      )
    },
  )

  await check(
    'guessable',
    'session IDs cannot be guessed',
    [
      'Log in twice and compare the two cookies. Can you predict a third one? What is each of them made from?',
      'Anyone who has the session ID can act as the user. Create it from at least 128 random bits and nothing else.',
      "Use `randomBytes(32).toString('base64url')` or `randomUUID()` from `node:crypto`.",
    ],
    async () => {
      const [first, second] = [idIn(one.cookie), idIn(two.cookie)]
      assert.ok(
        first !== second,
        'Two logins got the same session ID. The values of Math.random() can be predicted, so this check made it always return the same one.',
      )
      // Nearly every character of two random IDs differs. With a counter or a clock, only the last few do.
      const different = [...first].filter((character, index) => character !== second[index]).length
      assert.ok(
        different >= 16,
        `Two session IDs in a row were ${first} and ${second}. They are too short or too similar to be random.`,
      )
      const digests = digestsOf([`${ada.id}`, ADA.email, `${ada.id}${ADA.email}`])
      assert.ok(
        ![first, second].some((id) => digests.has(id)),
        'The session ID is a digest of the user’s data or of a number, so anyone can compute it.',
      )
    },
  )

  await check(
    'bare-cookie',
    'the cookie has HttpOnly, Secure and SameSite',
    [
      'Print the `set-cookie` header in the response to `POST /login`. Which attributes does it have?',
      'HttpOnly hides the cookie from scripts. Secure keeps browsers from sending it over plain HTTP. SameSite keeps it out of requests from other sites.',
      'Send `sid=…; HttpOnly; Secure; SameSite=Lax; Path=/` as the value of the `set-cookie` header.',
    ],
    async () => {
      const attributes = one.setCookie
        .split(';')
        .slice(1)
        .map((part) =>
          part
            .trim()
            .toLowerCase()
            .replace(/\s*=\s*/, '='),
        )
      const has = (...names: string[]) => names.some((name) => attributes.includes(name))
      const isSameSite = has('samesite=lax', 'samesite=strict')
      assert.ok(
        has('httponly') || has('secure') || isSameSite,
        'The cookie from POST /login must have the attributes HttpOnly, Secure and SameSite. It has none of them.',
      )
      await expectation(
        'no-httponly',
        [
          'Which attribute keeps scripts on a page from reading the cookie?',
          'One injected script (XSS) can send every readable cookie to someone else. HttpOnly hides a cookie from all scripts.',
          'Add `; HttpOnly` to the cookie.',
        ],
        () => assert.ok(has('httponly'), 'The cookie from POST /login must have the attribute HttpOnly.'),
      )
      await expectation(
        'no-secure',
        [
          'What does a browser do with the cookie if a link leads to `http://` instead of `https://`?',
          'Without Secure, the browser sends the cookie unencrypted, and anyone on the network can copy it.',
          'Add `; Secure` to the cookie. Browsers make an exception for localhost.',
        ],
        () => assert.ok(has('secure'), 'The cookie from POST /login must have the attribute Secure.'),
      )
      await expectation(
        'no-samesite',
        [
          'A page on another site sends a form to your `POST /logout`. Does the browser include the cookie?',
          'SameSite=Lax or Strict keeps the cookie out of such requests. SameSite=None sends it with all of them.',
          'Add `; SameSite=Lax` to the cookie.',
        ],
        () =>
          assert.ok(
            isSameSite,
            'The cookie from POST /login must have the attribute SameSite=Lax or SameSite=Strict.',
          ),
      )
    },
  )

  await check(
    'cookie-only',
    'after the logout, the server rejects the session ID',
    [
      'Somebody copied the cookie. Does the copy still work after the user logs out?',
      'Deleting the cookie in the browser is not enough. Delete the session on the server.',
      '`sessions.delete(sessionId(request))` in `POST /logout`.',
    ],
    async () => {
      await app.inject({ method: 'POST', url: '/logout', headers: { cookie: one.cookie } })
      assert.equal(
        (await whoHas(app, { cookie: one.cookie })).status,
        401,
        'After the logout, GET /session/me with the old cookie must return 401.',
      )
      await expectation(
        'logs-out-everywhere',
        [
          'Log in on two devices, and log out on one. Are you still logged in on the other one?',
          'A logout ends only one session: the one in the request’s cookie.',
          '`sessions.delete(sessionId(request))` deletes one entry. The key of the `Map` is the session ID, not the user.',
        ],
        async () =>
          assert.equal(
            (await whoHas(app, { cookie: two.cookie })).status,
            200,
            'A logout must not end the user’s other sessions.',
          ),
      )
    },
  )

  await check(
    'not-until-exp',
    'the token still works after the logout, until exactly `exp`',
    [
      'Which claims does the token have? It needs one that says when the token expires.',
      'The token must expire at its `exp`. Give this kind of token a lifetime of minutes, not days.',
      "`tokenKind('access+jwt', { ttl: '30m', claims: … })`",
    ],
    async () => {
      const CLOCK: Hints = [
        'Which clock does your code use to set `exp`, and which clock does it compare `exp` with?',
        'Use the clock that `buildApp` gets, for signing and for verifying. That way, a test can move it forward.',
        'Pass the clock to the kit: `jwtKit({ …, now })`.',
      ]
      const { iat = NOON / 1000 } = one.claims
      await expectation('other-clock', CLOCK, () =>
        assert.ok(
          Math.abs(Number(iat) * 1000 - NOON) < 60_000,
          `The clock that buildApp() got says ${new Date(NOON).toISOString()}, but the token has iat ${iat}.`,
        ),
      )
      const exp = Number(one.claims.exp)
      assert.ok(
        exp * 1000 > NOON,
        'The token must have an `exp` that is in the future, according to the clock that `buildApp` gets.',
      )
      await expectation(
        'lives-too-long',
        [
          'Someone copies a token. How long can they use it, and what can you do about it?',
          'Nothing ends a token before `exp`, not even a logout. Let it expire within minutes.',
          "`ttl: '30m'`",
        ],
        () => {
          const days = (exp * 1000 - NOON) / DAY_MS
          assert.ok(days <= 1, `The token is valid for ${Math.round(days)} days.`)
        },
      )
      const statusAt = async (time: number) => {
        now = time
        const { status } = await whoHas(app, { token: one.token })
        now = NOON
        return status
      }
      await expectation(
        'token-revoked',
        [
          'When a token arrives, does your code look anything up?',
          'A token needs no entry on the server. With a list of logged-out tokens or users, you would have sessions again.',
          'Remove the list. `kit.access.guard()` verifies the token without looking anything up.',
        ],
        async () =>
          assert.equal(await statusAt(NOON), 200, 'After the logout, the token must still be accepted.'),
      )
      await expectation('other-clock', CLOCK, async () => {
        assert.equal(
          await statusAt(exp * 1000 - 1000),
          200,
          'One second before `exp`, the token must be accepted.',
        )
        assert.equal(await statusAt(exp * 1000), 401, 'Starting at `exp`, the token must be rejected.')
      })
    },
  )

  await check(
    'own-secret',
    'a second process with the same secret accepts the token',
    [
      'Two processes share only the arguments they are started with. What does each need to verify a token?',
      'Sign with the `secret` that `buildApp` gets, not with a key that is created when the process starts.',
      "`keyring('HS256', [{ kid: '1', key: secret }])`",
    ],
    async () => {
      // Imported again, the file has nothing in memory, as in a second process.
      const again: typeof import('./solution/app.ts') = await import(
        `${pathToFileURL(file('app.ts'))}?second`
      )
      const second = await again.buildApp(settings)
      atEnd(() => second.close())
      assert.equal(
        (await whoHas(second, { token: two.token })).status,
        200,
        'A second process with the same secret must accept the token.',
      )
      const third = await again.buildApp({ ...settings, secret: randomBytes(32).toString('base64url') })
      atEnd(() => third.close())
      await expectation(
        'fixed-secret',
        [
          'Where does your signing key come from? People who can read the code must not have it.',
          'A secret in the code is in the repository and in every copy of it. Use the one that `buildApp` gets.',
          "`keyring('HS256', [{ kid: '1', key: secret }])`, with `secret` from the options.",
        ],
        async () =>
          assert.equal(
            (await whoHas(third, { token: two.token })).status,
            401,
            'A process with a different secret must reject the token.',
          ),
      )
    },
  )
})

interface Login {
  readonly setCookie: string
  /** `sid=…`, as a client sends it back. */
  readonly cookie: string
  readonly token: string
  readonly claims: Readonly<Record<string, unknown>>
}

function readLogin({ headers, body }: { headers: Record<string, unknown>; body: string }): Login {
  const cookies = [headers['set-cookie'] ?? ''].flat().map(String)
  const setCookie = cookies.find((text) => text.startsWith('sid=')) ?? cookies[0] ?? ''
  const [cookie = ''] = setCookie.split(';')
  let token = ''
  try {
    token = `${JSON.parse(body).access_token ?? ''}`
  } catch {
    // Not JSON: there is no token.
  }
  const claims = Object.fromEntries(explainToken(token).claims.map(({ name, value }) => [name, value]))
  return { setCookie, cookie, token, claims }
}

function idIn(cookie: string): string {
  return cookie.slice(cookie.indexOf('=') + 1)
}

/** Returns the digests of these texts and of small numbers, alone and together, in the usual forms. */
function digestsOf(texts: readonly string[]): Set<string> {
  const numbers = Array.from({ length: 100 }, (_, n) => `${n}`)
  const all = [...texts, ...numbers, ...texts.flatMap((text) => numbers.flatMap((n) => [text + n, n + text]))]
  return new Set(
    all.flatMap((text) =>
      ['md5', 'sha1', 'sha256'].flatMap((name) =>
        (['hex', 'base64', 'base64url'] as const).map((encoding) =>
          createHash(name).update(text).digest(encoding),
        ),
      ),
    ),
  )
}

async function whoHas(app: App, { cookie, token }: { cookie?: string; token?: string }) {
  const { statusCode, body } = cookie
    ? await app.inject({ url: '/session/me', headers: { cookie } })
    : await app.inject({ url: '/token/me', headers: { authorization: `Bearer ${token}` } })
  return statusCode === 200 ? { status: 200, user: Number(JSON.parse(body).user) } : { status: statusCode }
}
