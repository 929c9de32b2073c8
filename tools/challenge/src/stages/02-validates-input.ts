import { type Check, expectStatus, type Stage } from '../check.ts'
import { newPost, PATHS } from '../subject.ts'

const SCHEMA_HINT =
  'Fastify: a TypeBox or JSON schema as `schema.body`. FastAPI: a Pydantic model as the parameter’s type. Express: zod or ajv.'

const wrongBodies: readonly [id: string, title: string, json: unknown, hint: string][] = [
  [
    'missing-title',
    'a post without a title is rejected',
    { content: 'x' },
    'Make `title` a required property.',
  ],
  [
    'missing-content',
    'a post without content is rejected',
    { title: 'x' },
    'Make `content` a required property.',
  ],
  [
    'title-not-text',
    'a title that is an object is rejected',
    { title: { text: 'x' }, content: 'x' },
    'Give `title` the type string.',
  ],
  [
    'published-not-boolean',
    'a post whose `published` is a word is rejected',
    { ...newPost(), published: 'tomato' },
    'Give `published` the type boolean, with true as its default.',
  ],
  ['body-not-object', 'a list instead of a post is rejected', [newPost()], 'Give the body the type object.'],
]

const checks: Check[] = wrongBodies.map(([id, title, json, hint]) => ({
  id,
  title,
  hints: ['Which code checks the body before your handler uses it?', hint, SCHEMA_HINT],
  async run(subject) {
    const token = await subject.writer()
    expectStatus(await subject.request('POST', PATHS.posts, { token, json }), 400, 422)
  },
}))

export const validatesInput: Stage = {
  number: '02',
  slug: 'validates-input',
  title: 'Input is validated',
  checks: [
    ...checks,
    {
      id: 'broken-json',
      title: 'a body that is not JSON is rejected',
      hints: [
        'Send incomplete JSON. What status do you get?',
        'Your framework’s JSON parser throws an error for it. Turn that error into a 400.',
        'Express: an error handler with four parameters that sends `error.status`. Fastify and FastAPI do this automatically.',
      ],
      async run(subject) {
        const token = await subject.writer()
        const headers = { 'content-type': 'application/json' }
        const received = await subject.request('POST', PATHS.posts, {
          token,
          headers,
          body: '{"title": "x", ',
        })
        expectStatus(received, 400, 422)
      },
    },
  ],
}
