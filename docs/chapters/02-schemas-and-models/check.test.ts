import assert from 'node:assert/strict'
import { chapter } from '../../check/chapter.ts'

const PASSWORD = 'tomatoes in june'
const SHOWN = ['created_at', 'email', 'id']

await chapter(import.meta.url, async ({ load, database, claim, atEnd }) => {
  const { buildApp } = await load<typeof import('./solution/app.ts')>('app.ts')
  const { knex } = await database()
  const app = await buildApp(knex)
  atEnd(() => app.close())
  const signUp = (payload: object) => app.inject({ method: 'POST', url: '/users', payload })
  const rowOf = (email: string) => knex('users').where({ email }).first()
  let shown = ''

  await claim(
    'unchecked',
    'what a client sends is checked before anything is done with it',
    [
      'Leave the e-mail away. Who notices: Fastify, or the database?',
      'Describe the body with `Type.Object`, and give that to the route as `schema: { body: … }`.',
      "`Type.Object({ email: Type.String({ format: 'email' }), password: Type.String({ minLength: 8 }) })`",
    ],
    async () => {
      const wrong = [
        { password: PASSWORD },
        { email: 'no address', password: PASSWORD },
        { email: 'a@example.com' },
      ]
      for (const body of wrong) {
        const { statusCode } = await signUp(body)
        assert.ok(
          statusCode === 400,
          `${JSON.stringify(body)} was answered with ${statusCode}, not with 400.`,
        )
      }
      const { statusCode, body } = await signUp({ email: 'ada@example.com', password: PASSWORD })
      shown = body
      assert.ok(statusCode === 201, `A right sign-up was answered with ${statusCode}: ${body}`)
      assert.ok(await rowOf('ada@example.com'), 'A right sign-up was not stored.')
    },
  )

  await claim(
    'role-taken',
    'a member that nobody asked for never reaches the row',
    [
      'Sign up with `role: "admin"` beside the e-mail. What does the handler insert?',
      'Close the object of the schema, and insert what you name, not all that came.',
      'As the second argument of `Type.Object`: `{ additionalProperties: false }`. Then `{ email, password: … }`.',
    ],
    async () => {
      await signUp({ email: 'eve@example.com', password: PASSWORD, role: 'admin', id: 4711 })
      const eve = await rowOf('eve@example.com')
      assert.ok(eve?.role !== 'admin', 'Eve has signed up as an admin.')
      assert.ok(eve?.id !== 4711, 'Eve has chosen her id.')
    },
  )

  await claim(
    'hash-leaves',
    'the answer has id, e-mail and time, and no other column of the row',
    [
      'The handler returns the whole row. What is left of it on the way out?',
      'Give the route a schema of what is shown, under the status that it answers with.',
      '`response: { 201: UserOut }`, with a `UserOut` of its own: id, email and created_at.',
    ],
    async () => {
      const { password } = await rowOf('ada@example.com')
      assert.ok(!shown.includes(password), 'The hash has left.')
      assert.deepEqual(Object.keys(JSON.parse(shown)).sort(), SHOWN, 'These members are shown.')
    },
  )

  await claim(
    'undocumented',
    'the OpenAPI document says the same',
    [
      'Look into the document (step 4). What does it say of the body, and of the answer 201?',
      'The document is made from the routes’ schemas. What is done by hand, it does not know.',
      '`schema: { body: UserCreate, response: { 201: UserOut } }`, and the plugin before the route.',
    ],
    async () => {
      await app.ready()
      const document = app.swagger() as unknown as Tree
      const post = document.paths['/users']?.post
      assert.ok(post, 'The document does not know `POST /users`.')
      const answer = post.responses?.[201] ?? post.responses?.['2XX']
      assert.deepEqual(
        membersOf(document, post.requestBody),
        ['email', 'password'],
        'The body has these members.',
      )
      assert.deepEqual(membersOf(document, answer), SHOWN, 'The answer 201 has these members.')
    },
  )
})

// biome-ignore lint/suspicious/noExplicitAny: a document of unknown depth
type Tree = any

/** The members of the JSON object that a body or an answer is documented as. */
function membersOf(document: Tree, described: Tree): string[] {
  const schema = described?.content?.['application/json']?.schema ?? {}
  const named = document.components?.schemas?.[schema.$ref?.split('/').at(-1)]
  return Object.keys((named ?? schema).properties ?? {}).sort()
}
