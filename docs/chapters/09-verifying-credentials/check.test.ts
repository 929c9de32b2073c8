import assert from 'node:assert/strict'
import { chapter } from '../../check/chapter.ts'
import { countRounds } from './rounds.ts'

// Before anything imports bcrypt.
const rounds = countRounds()
const { createHasher } = await import('@auth-primer/auth-hash')
const { buildApp } = await import('./app.ts')

const FORM = 'application/x-www-form-urlencoded'
const ADA = { username: 'ada@example.com', password: 'tomatoes in june' }
const WRONG = { ...ADA, password: 'tomatoes in july' }
const UNKNOWN = { ...ADA, username: 'nobody@example.com' }

await chapter(import.meta.url, async ({ load, database, check, atEnd }) => {
  const { login } = await load<typeof import('./solution/login.ts')>('login.ts')
  const { knex } = await database()
  const password = await createHasher({ cost: 10 }).hash(ADA.password)
  await knex('users').insert({ email: ADA.username, password })
  const app = await buildApp(knex, login)
  atEnd(() => app.close())

  const post = (type: string, body: string, headers = {}) =>
    app.inject({ method: 'POST', url: '/login', headers: { 'content-type': type, ...headers }, body })
  /** Sends a form, or JSON if the route rejects forms. Only the last check requires forms. */
  const logIn = async (credentials: Record<string, string>) => {
    const response = await post(FORM, `${new URLSearchParams(credentials)}`)
    return response.statusCode === 415 ? post('application/json', JSON.stringify(credentials)) : response
  }
  const me = (token: string) =>
    app.inject({ url: '/users/me', headers: { authorization: `Bearer ${token}` } })

  await check(
    'hashed-again',
    "the right password gets a token, and a wrong one doesn't",
    [
      'The stored hash has a salt of its own. What do you get if you hash the same password again? Step 1 shows it.',
      'Find the user by email. Then let the hasher compare: it reads the salt from the stored hash.',
      '`const { ok } = await hasher.verify({ password, hash: user?.password })`; if `ok`, reply with `issueToken(user)`.',
    ],
    async () => {
      const right = await logIn(ADA)
      assert.ok(
        right.statusCode === 200,
        `A login with the right password got status ${right.statusCode}: ${right.body}`,
      )
      const { access_token } = right.json()
      assert.ok(typeof access_token === 'string', 'The response has no `access_token`.')
      assert.equal((await me(access_token)).json().email, ADA.username, 'The token belongs to another user.')
      const wrong = await logIn(WRONG)
      assert.ok(
        isRefusal(wrong.statusCode),
        `A login with a wrong password got status ${wrong.statusCode}: ${wrong.body}`,
      )
    },
  )

  await check(
    'two-answers',
    'an unknown email gets the same response as a wrong password',
    [
      'Imagine that you have a list of emails and no password. What can you learn from the two responses?',
      'Use one status and one body for both failures. Write the actual reason to the log only.',
      "`if (!ok) return reply.code(403).send({ detail: 'Invalid Credentials' })`: one line for both failures.",
    ],
    async () => {
      const [wrong, unknown] = [await logIn(WRONG), await logIn(UNKNOWN)]
      assert.ok(
        isRefusal(unknown.statusCode),
        `A login with an unknown email got status ${unknown.statusCode}: ${unknown.body}`,
      )
      const shown = (response: typeof wrong) => ({ status: response.statusCode, body: response.body })
      assert.deepEqual(
        shown(unknown),
        shown(wrong),
        'The response to an unknown email differs from the response to a wrong password.',
      )
    },
  )

  await check(
    'answers-at-once',
    'an unknown email costs as much work as a wrong password: one comparison',
    [
      'How long does a comparison take? How long does a reply without one take?',
      'Always compare. If there is no user, there is no hash, but the same work must be done anyway.',
      '`hasher.verify({ password, hash: user?.password })` does the work even if the hash is undefined. Do not return before that line.',
    ],
    async () => {
      const workOf = async (credentials: typeof ADA) => {
        const before = rounds()
        await logIn(credentials)
        return rounds() - before
      }
      const [wrong, unknown] = [await workOf(WRONG), await workOf(UNKNOWN)]
      // Cost 10 is the app's hasher, 12 is the default of auth-hash.
      assert.ok(
        wrong >= 2 ** 10 && wrong <= 2 ** 12,
        `A wrong password took ${wrong} rounds of bcrypt. One comparison takes 1024 here.`,
      )
      assert.equal(
        unknown,
        wrong,
        'An unknown email and a wrong password take different numbers of bcrypt rounds.',
      )
    },
  )

  await check(
    'json-only',
    'Swagger UI can log in with Authorize',
    [
      'What does Swagger UI send? Step 4 shows the request, and the status of the response says what is wrong.',
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
        `The login of Swagger UI got status ${response.statusCode}: ${response.body}`,
      )
      const { access_token, token_type } = response.json()
      assert.equal(`${token_type}`.toLowerCase(), 'bearer', 'The response has an unexpected `token_type`.')
      assert.equal((await me(access_token)).statusCode, 200, '`GET /users/me` does not accept the token.')
    },
  )
})

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500
}
