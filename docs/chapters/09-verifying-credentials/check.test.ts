import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chapter, type Hints } from '../../check/chapter.ts'
import { recordCalls } from './calls.ts'

// Before anything imports bcrypt.
const calls = recordCalls()
const { createHasher } = await import('@auth-primer/auth-hash')
const { buildApp } = await import('./app.ts')

const FORM = 'application/x-www-form-urlencoded'
const ADA = { username: 'ada@example.com', password: 'tomatoes in june' }
const WRONG = { ...ADA, password: 'tomatoes in july' }
/** Selects Ada if it gets into the text of SQL. */
const INJECTION = "' OR email = 'ada@example.com' -- "
const UNKNOWN = { ...ADA, username: 'nobody@example.com' }

const HASHED_AGAIN: Hints = [
  'The stored hash has its own salt. What do you get if you hash the same password again? Step 1 shows it.',
  'Do not compare two hashes. Let the hasher compare the password with the stored hash. It reads the salt from the stored hash.',
  '`const { ok } = await hasher.verify({ password, hash: user?.password })`. You don’t need to call `hash`.',
]

const SWAPPED: Hints = [
  'Which argument of your comparison is the password, and which is the hash?',
  'The password comes first, then the hash. In the wrong order, nothing ever matches.',
  '`hasher.verify({ password, hash })` takes named values, so you cannot mix them up. In `bcrypt.compare(password, hash)`, the order matters.',
]

const NOT_AWAITED: Hints = [
  'The comparison ran, but the login was still rejected. What does the code do with the result?',
  'The comparison returns a promise. Await it before you use the result.',
  '`const { ok } = await hasher.verify(…)`. Without `await`, `ok` is undefined.',
]

await chapter(import.meta.url, async ({ load, database, check, expectation, atEnd }) => {
  const { login } = await load<typeof import('./solution/login.ts')>('login.ts', 'login')
  const { knex, url } = await database({ tables: 'users' })
  const hasher = createHasher({ cost: 10 })
  const stored = await hasher.hash(ADA.password)
  await knex('users').insert({ email: 'bob@example.com', password: await hasher.hash('another password') })
  await knex('users').insert({ email: ADA.username, password: stored })
  const secret = randomBytes(32).toString('base64url')
  const app = await buildApp({ databaseUrl: url, secret, hasher }, login)
  atEnd(() => app.close())

  const post = (type: string, body: string, headers = {}) =>
    app.inject({ method: 'POST', url: '/login', headers: { 'content-type': type, ...headers }, body })
  /** Sends a form, or JSON if the route rejects forms. Only the last check requires forms. */
  const logIn = async (credentials: Record<string, string>) => {
    calls.length = 0
    const response = await post(FORM, `${new URLSearchParams(credentials)}`)
    const answered =
      response.statusCode === 415 ? await post('application/json', JSON.stringify(credentials)) : response
    return { ...seen(answered), calls: [...calls] }
  }
  const me = (token: string) =>
    app.inject({ url: '/users/me', headers: { authorization: `Bearer ${token}` } })

  let wrong: Awaited<ReturnType<typeof logIn>>
  let unknown: typeof wrong

  await check(
    'not-compared',
    "the right password gets a token, and a wrong one doesn't",
    [
      'The table has a hash, and the request has a password. How can you compare the two?',
      'Find the user by email. Then let the hasher compare the password with the stored hash. It reads the salt from the hash.',
      '`const { ok } = await hasher.verify({ password, hash: user?.password })`; if `ok` is true, issue a token with `app.issueToken(user)`.',
    ],
    async () => {
      const right = await logIn(ADA)
      const refused = `A login with the right password returned status ${right.status}: ${right.body}`
      if (right.status !== 200) {
        const saltOf = (hash: string) => hash.slice(0, 29)
        const [reason, hints] = right.calls.some(({ data }) => data.startsWith('$2'))
          ? (['swapped-arguments', SWAPPED] as const)
          : right.calls.some(({ saltOrHash }) => saltOf(saltOrHash) === saltOf(stored))
            ? (['not-awaited', NOT_AWAITED] as const)
            : right.calls.length > 0
              ? (['hashed-again', HASHED_AGAIN] as const)
              : []
        if (reason) await expectation(reason, hints, () => assert.fail(refused))
      }
      assert.ok(right.status === 200, refused)

      const answer = parse(right.body)
      await expectation(
        'no-token',
        [
          'What is the token called in the response? Clients look for the name that OAuth 2 defines.',
          'Reply with an object with `access_token` and `token_type`.',
          "`return { access_token: app.issueToken(user), token_type: 'bearer' }`",
        ],
        () =>
          assert.ok(
            typeof answer.access_token === 'string',
            `The response has no \`access_token\`. It has ${Object.keys(answer).join(', ') || 'nothing'}.`,
          ),
      )
      await expectation(
        'other-user',
        [
          'Use the token with `GET /users/me`. Which user does it belong to?',
          'The token must name the user whose password was verified. Which row does your query return?',
          "`const user = await request.db('users').where({ email: username }).first()`, then `app.issueToken(user)`.",
        ],
        async () => {
          const { statusCode, body } = await me(`${answer.access_token}`)
          assert.equal(statusCode, 200, '`GET /users/me` must accept the token.')
          assert.equal(parse(body).email, ADA.username, 'The token must belong to the user who logged in.')
        },
      )
      await expectation(
        'hash-returned',
        [
          'Read the whole response to a login. Does it contain anything that a client must not have?',
          'A client needs only the token. It can get data about the user from other routes.',
          "`return { access_token: app.issueToken(user), token_type: 'bearer' }`, without the user.",
        ],
        () => assert.ok(!right.body.includes(stored), 'The response contains the stored password hash.'),
      )

      wrong = await logIn(WRONG)
      await expectation(
        'wrong-accepted',
        [
          'Log in with a wrong password. Which value does your `if` check?',
          '`verify` returns a promise for an object. In an `if`, a promise always counts as true, and so does any object, even `{ ok: false }`.',
          '`const { ok } = await hasher.verify({ password, hash: user?.password })`, then `if (!ok) return reply.code(403)…`',
        ],
        () =>
          assert.ok(
            isRefusal(wrong.status),
            `A login with a wrong password must be rejected. It returned status ${wrong.status}: ${wrong.body}`,
          ),
      )
    },
  )

  await check(
    'two-answers',
    'an unknown email gets the same response as a wrong password',
    [
      'Imagine that you have a list of emails but no passwords. What can you learn from the two responses?',
      'Use the same status and the same body for both failures. Write the actual reason only to the log.',
      "`if (!ok) return reply.code(403).send({ detail: 'Invalid Credentials' })`: one line for both failures.",
    ],
    async () => {
      unknown = await logIn(UNKNOWN)
      await expectation(
        'unknown-crashes',
        [
          'What does `.first()` return if no row matches? Which line uses the result first?',
          'Without a user, there is no hash. The code must still reach the comparison.',
          '`hash: user?.password` is undefined if `user` is. `verify` accepts that.',
        ],
        () =>
          assert.ok(
            isRefusal(unknown.status),
            `A login with an unknown email must be rejected. It returned status ${unknown.status}: ${unknown.body}`,
          ),
      )
      await expectation(
        'sql-injection',
        [
          "Log in with the username `'`. What happens to your SQL?",
          'Never put a value into the text of an SQL statement: a username can contain SQL that selects another user. Pass it as a parameter instead.',
          "`request.db.query('SELECT … WHERE email = $1', [username])`, or knex's `where({ email: username })`.",
        ],
        async () => {
          const { status, body } = await logIn({ ...ADA, username: INJECTION })
          assert.ok(
            isRefusal(status),
            `A login with the username \`${INJECTION}\` must be rejected. It returned status ${status}: ${body}`,
          )
        },
      )
      const shown = ({ status, body }: typeof wrong) => ({ status, body })
      assert.deepEqual(
        shown(unknown),
        shown(wrong),
        'The response to an unknown email differs from the response to a wrong password.',
      )
    },
  )

  await check(
    'answers-at-once',
    'an unknown email takes as much work as a wrong password: one comparison',
    [
      'How long does a comparison take? How long does a reply without one take?',
      'Always compare. If there is no user, there is no hash, but your login must still do the same work.',
      '`hasher.verify({ password, hash: user?.password })` does the work even if the hash is undefined. Do not return before that line.',
    ],
    async () => {
      const roundsOf = ({ calls }: typeof wrong) => calls.reduce((sum, { rounds }) => sum + rounds, 0)
      await expectation(
        'too-much-work',
        [
          'How many times does your login hash a wrong password?',
          'One comparison is enough. More work takes more time, and an attacker can make your service waste it.',
          'Call `hasher.verify` once, and don’t call `hasher.hash`.',
        ],
        () =>
          assert.ok(
            roundsOf(wrong) <= 2 ** 12,
            `A wrong password took ${roundsOf(wrong)} bcrypt rounds. One comparison takes 1024 rounds here.`,
          ),
      )
      await expectation(
        'other-cost',
        [
          'How much work is the comparison for an unknown email, and how much work is it for a stored hash?',
          'Both must have the same cost: the cost of the hasher that the plugin gets.',
          '`hasher.verify({ password, hash: user?.password })`. If you compare with a dummy hash, create it with `hasher.hash`.',
        ],
        () => {
          if (roundsOf(unknown) === 0) return
          assert.equal(
            roundsOf(unknown),
            roundsOf(wrong),
            'An unknown email and a wrong password take different numbers of bcrypt rounds.',
          )
        },
      )
      assert.ok(
        roundsOf(unknown) > 0,
        'For an unknown email, the login did not compare anything, so the response came immediately.',
      )
    },
  )

  await check(
    'json-only',
    'Swagger UI can log in with its Authorize button',
    [
      'What does Swagger UI send? Step 4 shows the request, and the response status shows what is wrong.',
      'It sends a form (`application/x-www-form-urlencoded`) with more than two fields. Fastify needs a parser for that content type.',
      '`app.addContentTypeParser(type, { parseAs: "string" }, async (_request, body) => Object.fromEntries(new URLSearchParams(body)))`',
    ],
    async () => {
      const document = (await app.inject('/docs/json')).json()
      const { tokenUrl } = document.components.securitySchemes.login.flows.password
      assert.equal(
        new URL(tokenUrl, 'http://localhost/').pathname,
        '/login',
        'The OpenAPI document names an unexpected path for the login.',
      )
      // The request of swagger-ui's authorizePassword without a client id and secret.
      const form = new URLSearchParams({ grant_type: 'password', ...ADA })
      const response = await post(FORM, `${form}`, { authorization: `Basic ${btoa(':')}` })
      assert.ok(
        response.statusCode === 200,
        `A login from Swagger UI must return status 200. It returned ${response.statusCode}: ${response.body}`,
      )
      const { access_token, token_type } = response.json()
      await expectation(
        'no-token-type',
        [
          'Which two properties does OAuth 2 require in the response?',
          'The `token_type` says how a client must send the token: as a bearer token.',
          "`return { access_token: …, token_type: 'bearer' }`",
        ],
        () => assert.equal(`${token_type}`.toLowerCase(), 'bearer', 'The `token_type` must be `bearer`.'),
      )
      assert.equal((await me(access_token)).statusCode, 200, '`GET /users/me` must accept the token.')
    },
  )
})

function seen({ statusCode, body }: { statusCode: number; body: string }) {
  return { status: statusCode, body }
}

function parse(body: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(body) }
  } catch {
    return {}
  }
}

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500
}
