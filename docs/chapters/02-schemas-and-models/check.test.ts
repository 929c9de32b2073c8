import assert from 'node:assert/strict'
import { chapter } from '../../check/chapter.ts'

const PASSWORD = 'tomatoes in june'
/** As short as it may be. */
const SHORT = 'tomatoes'
const SHOWN = ['created_at', 'email', 'id']

await chapter(import.meta.url, async ({ load, database, check, expectation, atEnd }) => {
  const { buildApp } = await load<typeof import('./solution/app.ts')>('app.ts', 'buildApp')
  const { knex, url } = await database({ tables: 'users' })
  const app = await buildApp({ databaseUrl: url })
  atEnd(() => app.close())
  const signUp = (payload: object) => app.inject({ method: 'POST', url: '/users', payload })
  const find = (email: string) => knex('users').where({ email }).first()
  let shown = ''

  await check(
    'no-sign-up',
    'a valid sign-up is stored and returns 201',
    [
      'Sign up with an email and a password. What status do you get, and is there a new row?',
      'Respond with 201 Created. Your schemas must still accept a valid email and a password with 8 or more characters.',
      'End the handler with `return reply.code(201).send(user)`, after the INSERT.',
    ],
    async () => {
      await expectation(
        'invalid-schema',
        [
          'Fastify compiles all schemas when the app starts. The message says which one it cannot compile.',
          'A schema may use only JSON types: string, number, integer, boolean, object, array and null. In JSON, a time is a string.',
          "`created_at: Type.Unsafe<Date>({ type: 'string', format: 'date-time' })`, not `Type.Date()`.",
        ],
        () => app.ready(),
      )
      const { statusCode, body } = await signUp({ email: 'ada@example.com', password: PASSWORD })
      shown = body
      await expectation(
        'other-status',
        [
          'The sign-up worked. Which status tells a client that something new was created?',
          '200 OK says that the request succeeded. 201 Created says that it also created something.',
          'Use `return reply.code(201).send(user)`, and put the response schema under 201.',
        ],
        () =>
          assert.ok(
            statusCode === 201 || statusCode >= 300,
            `A valid sign-up must return 201. It returned ${statusCode}.`,
          ),
      )
      assert.ok(statusCode === 201, `A valid sign-up must return 201. It returned ${statusCode}: ${body}`)
      const row = await find('ada@example.com')
      assert.ok(row, 'A valid sign-up was not stored in the table.')
      await expectation(
        'plain-text',
        [
          'Look at the new row’s `password` column. What does it contain?',
          'The original exercise has a line that hashes the password. Store the hash in the row.',
          '`const row = { email, password: await hash(password) }`.',
        ],
        () =>
          assert.ok(row.password !== PASSWORD, 'The row contains the password itself instead of its hash.'),
      )
    },
  )

  await check(
    'unchecked',
    'the request body is validated before the handler uses it',
    [
      'Send a request without an email. What rejects it: Fastify or the database?',
      'Describe the body with `Type.Object`, and pass this schema to the route as `schema: { body: … }`.',
      "`Type.Object({ email: Type.String({ format: 'email' }), password: Type.String({ minLength: 8 }) })`",
    ],
    async () => {
      const mustReject = async (body: object) => {
        const { statusCode, body: text } = await signUp(body)
        await expectation(
          'default-schema',
          [
            'Which status codes does your response schema apply to? Read the body of the 500 response.',
            'A schema under `default`, `4xx` or `5xx` also applies to error responses, which have other properties.',
            'Use `response: { 201: UserOut }`, so the schema applies only to a successful sign-up.',
          ],
          () =>
            assert.ok(
              statusCode !== 500 || !text.includes('is required!'),
              `An error response does not match your response schema: ${text}`,
            ),
        )
        assert.ok(
          [400, 422].includes(statusCode),
          `The body ${JSON.stringify(body)} must be rejected with 400 or 422. The status was ${statusCode}.`,
        )
      }
      await mustReject({ password: PASSWORD })
      await mustReject({ email: 'a@example.com' })
      await expectation(
        'not-an-email',
        [
          'Sign up with the email `not an email`. What does your schema require of an email?',
          'JSON Schema defines formats for strings such as emails, and Fastify checks them.',
          "`email: Type.String({ format: 'email' })`",
        ],
        () => mustReject({ email: 'not an email', password: PASSWORD }),
      )
      await expectation(
        'short-password',
        [
          'Sign up with a password that has 7 characters. How many characters does your schema require?',
          'The password must have at least 8 characters.',
          '`password: Type.String({ minLength: 8 })`',
        ],
        () => mustReject({ email: 'b@example.com', password: SHORT.slice(0, 7) }),
      )
    },
  )

  await check(
    'role-taken',
    'a property that the API does not expect is never stored',
    [
      'Sign up with an additional `role: "admin"`. What does the handler insert?',
      'Let the schema drop unknown properties, and insert only the columns that you list.',
      'Pass `{ additionalProperties: false }` as the second argument of `Type.Object`, and insert `{ email, password: … }`.',
    ],
    async () => {
      const { statusCode } = await signUp({
        email: 'eve@example.com',
        password: SHORT,
        role: 'admin',
        id: 4711,
      })
      const eve = await find('eve@example.com')
      assert.ok(eve?.role !== 'admin', 'A sign-up with `role: "admin"` created an admin.')
      assert.ok(eve?.id !== 4711, 'A client that sent an `id` with its sign-up chose its own ID.')
      assert.ok(
        statusCode < 500,
        `A sign-up with additional properties must be either stored without them or rejected. The status was ${statusCode}.`,
      )
    },
  )

  await check(
    'hash-leaves',
    'the response has id, email and created_at, but no other column of the row',
    [
      'The handler returns the complete row. Which of its properties reach the client?',
      'Give the route a response schema, under the status code that the handler replies with.',
      'Use `response: { 201: UserOut }`. `UserOut` is a separate schema with id, email and created_at.',
    ],
    async () => {
      const { password } = await find('ada@example.com')
      assert.ok(!shown.includes(password), 'The response contains the password hash.')
      const user = JSON.parse(shown)
      await expectation(
        'other-properties',
        [
          'Compare the response with the task. Which three properties does the task ask for?',
          'A response schema lists exactly what clients may see: `id`, `email` and `created_at`.',
          '`Type.Object({ id: Type.Integer(), email: Type.String(), created_at: Timestamp })`',
        ],
        () =>
          assert.deepEqual(
            Object.keys(user).sort(),
            SHOWN,
            'The response must have exactly these properties.',
          ),
      )
      await expectation(
        'not-a-time',
        [
          'Look at `created_at` in the response. Is it a time?',
          'In JSON, a time is a string such as `2026-11-22T12:00:00.000Z`.',
          "`created_at: Type.Unsafe<Date>({ type: 'string', format: 'date-time' })`",
        ],
        () =>
          assert.ok(
            typeof user.created_at === 'string' && !Number.isNaN(Date.parse(user.created_at)),
            `\`created_at\` must be a time in ISO 8601 format. It is ${JSON.stringify(user.created_at)}.`,
          ),
      )
    },
  )

  await check(
    'undocumented',
    'the OpenAPI document describes the body and the response',
    [
      'Print the document as in step 4. What does it say about the request body and the 201 response?',
      'The document is generated from the route schemas. Checks that you write by hand do not appear in it.',
      'Use `schema: { body: UserCreate, response: { 201: UserOut } }`, and register the swagger plugin before the route.',
    ],
    async () => {
      const document = app.swagger() as unknown as Tree
      const post = document.paths['/users']?.post
      assert.ok(post, 'The OpenAPI document has no `POST /users`.')
      const response = post.responses?.[201] ?? post.responses?.['2XX']
      assert.deepEqual(
        propertiesOf(document, post.requestBody),
        ['email', 'password'],
        'The documented body must have exactly these properties.',
      )
      assert.deepEqual(
        propertiesOf(document, response),
        SHOWN,
        'The documented 201 response must have exactly these properties.',
      )
    },
  )
})

// biome-ignore lint/suspicious/noExplicitAny: a document of unknown depth
type Tree = any

/** Returns the property names of a documented body or response. */
function propertiesOf(document: Tree, described: Tree): string[] {
  const schema = described?.content?.['application/json']?.schema ?? {}
  return [...new Set(namesIn(document, schema))].sort()
}

/** Follows references, and joins the parts of an intersection (`allOf`). */
function namesIn(document: Tree, schema: Tree): string[] {
  const named = document.components?.schemas?.[schema.$ref?.split('/').at(-1)]
  const { properties = {}, allOf = [] } = named ?? schema
  return [...Object.keys(properties), ...allOf.flatMap((part: Tree) => namesIn(document, part))]
}
