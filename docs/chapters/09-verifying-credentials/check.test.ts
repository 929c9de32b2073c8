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

await chapter(import.meta.url, async ({ load, database, claim, atEnd }) => {
  const { login } = await load<typeof import('./solution/login.ts')>('login.ts')
  const { knex } = await database()
  const password = await createHasher({ cost: 10 }).hash(ADA.password)
  await knex('users').insert({ email: ADA.username, password })
  const app = await buildApp(knex, login)
  atEnd(() => app.close())

  const post = (type: string, body: string, headers = {}) =>
    app.inject({ method: 'POST', url: '/login', headers: { 'content-type': type, ...headers }, body })
  /** As a form; as JSON where forms are not understood, which only the last claim looks at. */
  const logIn = async (credentials: Record<string, string>) => {
    const answer = await post(FORM, `${new URLSearchParams(credentials)}`)
    return answer.statusCode === 415 ? post('application/json', JSON.stringify(credentials)) : answer
  }
  const me = (token: string) =>
    app.inject({ url: '/users/me', headers: { authorization: `Bearer ${token}` } })

  await claim(
    'hashed-again',
    'the right password is answered with a token, and a wrong one is not',
    [
      'What is stored is a hash with a salt of its own. What comes out when you hash the password again? Step 1 shows it.',
      'Read the user by e-mail. Let the hasher compute with the salt that stands in the stored hash, and compare.',
      '`const { ok } = await hasher.verify({ password, hash: user?.password })`; if ok, `issueToken(user)`.',
    ],
    async () => {
      const right = await logIn(ADA)
      assert.ok(
        right.statusCode === 200,
        `The right password was answered with ${right.statusCode}: ${right.body}`,
      )
      const { access_token } = right.json()
      assert.ok(typeof access_token === 'string', 'The answer has no `access_token`.')
      assert.equal((await me(access_token)).json().email, ADA.username, 'This is whose token it is.')
      const wrong = await logIn(WRONG)
      assert.ok(
        isRefusal(wrong.statusCode),
        `A wrong password was answered with ${wrong.statusCode}: ${wrong.body}`,
      )
    },
  )

  await claim(
    'two-answers',
    'an unknown e-mail is answered as a wrong password is',
    [
      'You are a stranger with a list of e-mails. What does each of the two answers tell you?',
      'Give both one status and one body. Which of the two it was is for the log.',
      "`if (!ok) return reply.code(403).send({ detail: 'Invalid Credentials' })`, once, for both.",
    ],
    async () => {
      const [wrong, unknown] = [await logIn(WRONG), await logIn(UNKNOWN)]
      assert.ok(
        isRefusal(unknown.statusCode),
        `An unknown e-mail was answered with ${unknown.statusCode}: ${unknown.body}`,
      )
      const shown = (answer: typeof wrong) => ({ status: answer.statusCode, body: answer.body })
      assert.deepEqual(shown(unknown), shown(wrong), 'An unknown e-mail has an answer of its own.')
    },
  )

  await claim(
    'answers-at-once',
    'both cost the same work: one compare',
    [
      'How long does a compare take? And how long does it take to answer without one?',
      'Compare always. Where there is no user there is no hash, and as much is computed all the same.',
      '`hasher.verify({ password, hash: user?.password })` does so where the hash is undefined. Do not return before it.',
    ],
    async () => {
      const workOf = async (credentials: typeof ADA) => {
        const before = rounds()
        await logIn(credentials)
        return rounds() - before
      }
      const [wrong, unknown] = [await workOf(WRONG), await workOf(UNKNOWN)]
      // At cost 10, or at auth-hash's own 12.
      assert.ok(
        wrong >= 2 ** 10 && wrong <= 2 ** 12,
        `A wrong password took ${wrong} rounds of bcrypt: no compare has that.`,
      )
      assert.equal(
        unknown,
        wrong,
        'An unknown e-mail takes another number of bcrypt’s rounds than a wrong password.',
      )
    },
  )

  await claim(
    'json-only',
    'Authorize of Swagger UI logs in',
    [
      'What does Swagger UI send? Step 4 shows it, and the answer’s status what was wrong with it.',
      'It sends a form (`application/x-www-form-urlencoded`) with more fields than two. Tell Fastify how to read one.',
      '`app.addContentTypeParser(type, { parseAs: "string" }, async (_request, body) => Object.fromEntries(new URLSearchParams(body)))`',
    ],
    async () => {
      const document = (await app.inject('/docs/json')).json()
      const { tokenUrl } = document.components.securitySchemes.login.flows.password
      assert.equal(new URL(tokenUrl, 'http://localhost/').pathname, '/login', 'This is where it logs in.')
      // What swagger-ui's authorizePassword sends, with no client id and no secret.
      const form = new URLSearchParams({ grant_type: 'password', ...ADA })
      const answer = await post(FORM, `${form}`, { authorization: `Basic ${btoa(':')}` })
      assert.ok(
        answer.statusCode === 200,
        `Swagger UI was answered with ${answer.statusCode}: ${answer.body}`,
      )
      const { access_token, token_type } = answer.json()
      assert.equal(`${token_type}`.toLowerCase(), 'bearer', 'This is the answer’s `token_type`.')
      assert.equal((await me(access_token)).statusCode, 200, 'A route with a lock was tried with the token.')
    },
  )
})

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500
}
