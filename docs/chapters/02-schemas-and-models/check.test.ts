import assert from 'node:assert/strict'
import { chapter } from '../../check/chapter.ts'

const PASSWORD = 'tomatoes in june'
const SHOWN = ['created_at', 'email', 'id']

await chapter(import.meta.url, async ({ load, database, check, atEnd }) => {
  const { buildApp } = await load<typeof import('./solution/app.ts')>('app.ts')
  const { knex } = await database()
  const app = await buildApp(knex)
  atEnd(() => app.close())
  const signUp = (payload: object) => app.inject({ method: 'POST', url: '/users', payload })
  const rowOf = (email: string) => knex('users').where({ email }).first()
  let shown = ''

  await check(
    'no-sign-up',
    'a valid sign-up is stored and returns 201',
    [
      'Sign up with an email and a password. Which status do you get, and is there a new row?',
      'A new user is 201 Created. Schemas must still let a valid email and a password of 8 characters or more through.',
      'End the handler with `return reply.code(201).send(user)`, after the INSERT.',
    ],
    async () => {
      const { statusCode, body } = await signUp({ email: 'ada@example.com', password: PASSWORD })
      shown = body
      assert.ok(statusCode === 201, `A valid sign-up must return 201. It returned ${statusCode}: ${body}`)
      assert.ok(await rowOf('ada@example.com'), 'A valid sign-up was not stored in the table.')
    },
  )

  await check(
    'unchecked',
    'the request body is validated before the handler uses it',
    [
      'Send a request without an email. What rejects it: Fastify, or the database?',
      'Describe the body with `Type.Object`, and pass it to the route as `schema: { body: … }`.',
      "`Type.Object({ email: Type.String({ format: 'email' }), password: Type.String({ minLength: 8 }) })`",
    ],
    async () => {
      const wrong = [
        { password: PASSWORD },
        { email: 'not an email', password: PASSWORD },
        { email: 'a@example.com' },
        { email: 'a@example.com', password: 'short' },
      ]
      for (const body of wrong) {
        const { statusCode } = await signUp(body)
        assert.ok(
          [400, 422].includes(statusCode),
          `The body ${JSON.stringify(body)} must be rejected with 400 or 422. The status was ${statusCode}.`,
        )
      }
    },
  )

  await check(
    'role-taken',
    'a property that the API did not ask for never reaches the row',
    [
      'Sign up with an additional `role: "admin"`. What does the handler insert?',
      'Let the schema drop unknown properties, and insert only the columns that you list.',
      'Pass `{ additionalProperties: false }` as the second argument of `Type.Object`, and insert `{ email, password: … }`.',
    ],
    async () => {
      await signUp({ email: 'eve@example.com', password: PASSWORD, role: 'admin', id: 4711 })
      const eve = await rowOf('eve@example.com')
      assert.ok(eve?.role !== 'admin', 'A sign-up with `role: "admin"` created an admin.')
      assert.ok(eve?.id !== 4711, 'A sign-up with an `id` chose its own id.')
    },
  )

  await check(
    'hash-leaves',
    'the response has id, email and created_at, and no other column of the row',
    [
      'The handler returns the complete row. Which of its properties reach the client?',
      'Give the route a response schema, under the status code that the handler replies with.',
      'Use `response: { 201: UserOut }`. `UserOut` is an object of its own with id, email and created_at.',
    ],
    async () => {
      const { password } = await rowOf('ada@example.com')
      assert.ok(!shown.includes(password), 'The response contains the hash of the password.')
      assert.deepEqual(
        Object.keys(JSON.parse(shown)).sort(),
        SHOWN,
        'The response must have exactly these properties.',
      )
    },
  )

  await check(
    'undocumented',
    'the OpenAPI document describes the body and the response',
    [
      'Print the document as in step 4. What does it say about the body, and about the response 201?',
      'The document is generated from the schemas of the routes. It cannot know what your code does by hand.',
      'Use `schema: { body: UserCreate, response: { 201: UserOut } }`, and register the swagger plugin before the route.',
    ],
    async () => {
      await app.ready()
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
        'The documented response 201 must have exactly these properties.',
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
