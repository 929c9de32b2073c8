import assert from 'node:assert/strict'
import { chapter, type Hints } from '../../check/chapter.ts'
import { buildApp } from './app.ts'

const TOMATOES = { title: 'Tomatoes', content: 'They grow.' }
const RADISHES = { title: 'Radishes', content: 'Red.', published: false }

const NO_ROUTE: Hints = [
  'The response says `Route … not found`. Which routes does your plugin have?',
  'Add one route per method and path. The prefix `/posts` is added for you, so your path starts after it.',
  "`app.get('/:id', …)`, `app.put('/:id', …)` and `app.delete('/:id', …)`",
]

const NOT_CHECKED: Hints = [
  'Send `GET /posts/seven`. Does the text `seven` reach the database?',
  'Add the schema `PostPath` to every route with `:id`. Fastify then rejects such a path before your handler runs.',
  "`app.get('/:id', { schema: { params: PostPath } }, …)`, and the same for PUT and DELETE.",
]

const MISSING_IS_ERROR: Hints = [
  'What does your query return if no row has this ID? Which line uses the result first?',
  'Check the result before you use it. Asking for a missing post is the client’s mistake, so respond with 404.',
  '`return post ?? reply.code(404).send({ detail: "There is no such post" })`',
]

const MISSING_IS_200: Hints = [
  'Send `GET /posts/1000`. What status do you get, and what is in the body?',
  'If the query finds no row, reply with 404 instead of an empty 200.',
  '`return post ?? reply.code(404).send({ detail: "There is no such post" })`',
]

await chapter(import.meta.url, async ({ load, database, check, expectation, atEnd }) => {
  const { posts } = await load<typeof import('./solution/posts.ts')>('posts.ts', 'posts')
  const { knex, url } = await database({ tables: 'posts' })
  await knex('users').insert([
    { email: 'ada@example.com', password: 'a hash' },
    { email: 'bob@example.com', password: 'a hash' },
  ])
  const app = await buildApp(url, posts)
  atEnd(() => app.close())

  const ask = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object) => {
    const response = await app.inject({ method, url: path, ...(body && { body }) })
    const { statusCode: status, body: text } = response
    await expectation('no-route', NO_ROUTE, () =>
      assert.ok(!/"message":"Route /.test(text), `There is no route for ${method} ${path}: ${text}`),
    )
    return { status, text, shown: `It returned ${status}: ${text}`, json: parse(text) }
  }
  const createPost = async (post: object): Promise<number> => {
    const [row] = await knex('posts')
      .insert({ ...post, owner_id: 1 })
      .returning('id')
    return row.id
  }
  const find = (id: number) => knex('posts').where({ id }).first()
  const isRejected = (status: number) => [400, 404, 422].includes(status)

  /** Expects a 404, and not the error of code that uses a row which is not there. */
  const expectMissing = async (method: 'GET' | 'PUT' | 'DELETE', path: string, body?: object) => {
    const { status, shown } = await ask(method, path, body)
    await expectation('missing-is-500', MISSING_IS_ERROR, () =>
      assert.ok(
        status < 500,
        `${method} for a post that does not exist must not cause a server error. ${shown}`,
      ),
    )
    await expectation('missing-is-200', MISSING_IS_200, () =>
      assert.equal(status, 404, `${method} for a post that does not exist must return 404. ${shown}`),
    )
  }

  await check(
    'not-stored',
    'POST /posts stores a post and returns it with status 201',
    [
      'The plugin gets `request.db` and `ownerId`. Which columns of `posts` have no default?',
      'Insert the body and the owner, and let the INSERT return the new row.',
      "`const [post] = await db('posts').insert({ ...body, owner_id: ownerId }).returning(COLUMNS)`",
    ],
    async () => {
      const { status, text, json } = await ask('POST', '/posts', { ...TOMATOES, owner_id: 2, id: 500 })
      const rows = await knex('posts')
      assert.ok(rows.length > 0, `POST /posts must store a post. It returned ${status}: ${text}`)
      assert.equal(rows.length, 1, 'One POST must store one post.')
      const [row] = rows
      assert.deepEqual(
        { title: row.title, content: row.content, published: row.published },
        { ...TOMATOES, published: true },
        'The stored post must have the title and content from the body.',
      )
      await expectation(
        'owner-from-body',
        [
          'The body had an `owner_id` and an `id`. Which of its properties does your INSERT use?',
          'A client must not choose the owner or the ID. Drop properties that are not in the schema, or name the ones that you insert.',
          'Keep `additionalProperties: false` in the schema and put the owner last: `{ ...body, owner_id: ownerId }`',
        ],
        () => {
          assert.equal(
            row.owner_id,
            1,
            'The body contained `owner_id: 2`, and now the post belongs to user 2.',
          )
          assert.ok(row.id !== 500, 'The body contained `id: 500`, and the post got that ID.')
        },
      )
      await expectation(
        'status-200',
        [
          'The post was stored. Which status says that something new exists?',
          '201 means *created*. Set it before you send the post.',
          '`return reply.code(201).send(post)`',
        ],
        () => assert.equal(status, 201, 'A POST that creates a post must return 201.'),
      )
      await expectation(
        'no-id',
        [
          'How can the client find the new post later?',
          'Postgres created the ID. Return the row that the INSERT returns, not the body.',
          '`.returning(COLUMNS)` makes the INSERT return a list with the new row: `const [post] = await …`',
        ],
        () => {
          assert.ok(!Array.isArray(json), 'The response is a list. It must be the post itself.')
          assert.deepEqual(
            { id: json?.id, title: json?.title, content: json?.content, published: json?.published },
            { id: row.id, ...TOMATOES, published: true },
            'The response must be the new post, with its id.',
          )
        },
      )
    },
  )

  await check(
    'not-read',
    'GET /posts/:id returns one post, and GET /posts returns all of them',
    [
      'Which post does the path ask for? Where does your handler read its ID?',
      '`request.params.id` is the ID. Select the row with this ID.',
      "`const post = await db('posts').where({ id }).first(COLUMNS)`",
    ],
    async () => {
      const id = await createPost(RADISHES)
      const { status, json, shown } = await ask('GET', `/posts/${id}`)
      assert.equal(status, 200, `GET /posts/${id} must return the post. ${shown}`)
      assert.ok(!Array.isArray(json), 'The response to GET /posts/:id is a list. It must be the post itself.')
      assert.deepEqual(
        { id: json?.id, title: json?.title },
        { id, title: RADISHES.title },
        `GET /posts/${id} must return the post with this id.`,
      )
      const list = await ask('GET', '/posts')
      assert.ok(Array.isArray(list.json), `GET /posts must return a list. ${list.shown}`)
      assert.equal(list.json.length, 2, 'GET /posts must return a list with both posts.')
    },
  )

  await check(
    'missing-is-200',
    'GET for a post that does not exist returns 404',
    MISSING_IS_200,
    async () => {
      await expectMissing('GET', '/posts/1000')
    },
  )

  await check(
    'not-changed',
    'PUT /posts/:id changes the post and returns it',
    [
      'Which columns does your UPDATE set, and which rows does it change?',
      'Store the body’s properties in the row whose ID is in the path.',
      "`const [post] = await db('posts').where({ id }).update(request.body).returning(COLUMNS)`",
    ],
    async () => {
      const id = await createPost(TOMATOES)
      const other = await createPost(TOMATOES)
      const { status, json, shown } = await ask('PUT', `/posts/${id}`, { ...RADISHES, owner_id: 2 })
      assert.equal(status, 200, `PUT /posts/${id} must return the changed post. ${shown}`)
      const { title, content, published, owner_id } = await find(id)
      assert.deepEqual(
        { title, content, published },
        RADISHES,
        'After the PUT, the stored post must have the properties from the body.',
      )
      await expectation(
        'changes-all',
        [
          'How many rows did your UPDATE change? Which part of the statement limits it to one row?',
          'An UPDATE without WHERE changes every row.',
          "`db('posts').where({ id }).update(…)`",
        ],
        async () =>
          assert.equal(
            (await find(other)).title,
            TOMATOES.title,
            'A PUT to one post also changed another post.',
          ),
      )
      await expectation(
        'owner-changed',
        [
          'The body had an `owner_id`. Which of its properties does your UPDATE set?',
          'A client must not give a post to another user. Name the properties that you set, or let the schema drop the others.',
          'Keep `additionalProperties: false` in the schema, or `.update({ title, content, published })`.',
        ],
        () => assert.equal(owner_id, 1, 'The body contained `owner_id: 2`, and the PUT changed the owner.'),
      )
      await expectation(
        'old-returned',
        [
          'Does your handler read the post before or after the UPDATE?',
          'Return the row as it is stored now. The UPDATE can return it.',
          '`.update(request.body).returning(COLUMNS)` returns a list with the changed row.',
        ],
        () => {
          assert.ok(!Array.isArray(json), 'The response to a PUT is a list. It must be the post itself.')
          assert.deepEqual(
            { id: json?.id, title: json?.title },
            { id, title: RADISHES.title },
            'The response to a PUT must be the changed post.',
          )
        },
      )
      await expectMissing('PUT', '/posts/1000', RADISHES)
    },
  )

  await check(
    'not-deleted',
    'DELETE /posts/:id deletes the post and returns 204; a second DELETE returns 404',
    [
      'Is the row gone after your DELETE?',
      '`del()` returns the number of rows that it deleted.',
      "`const deleted = await db('posts').where({ id }).del()`. If `deleted` is greater than 0, reply with 204; otherwise, reply with 404.",
    ],
    async () => {
      const id = await createPost(TOMATOES)
      const other = await createPost(TOMATOES)
      const { status, text, shown } = await ask('DELETE', `/posts/${id}`)
      assert.ok(status < 300, `DELETE /posts/${id} must succeed. ${shown}`)
      assert.ok(!(await find(id)), 'The post is still there after the DELETE.')
      await expectation(
        'deletes-all',
        [
          'How many rows did your DELETE delete? Which part of the statement limits it to one row?',
          'A DELETE without WHERE deletes every row.',
          "`db('posts').where({ id }).del()`",
        ],
        async () => assert.ok(await find(other), 'A DELETE of one post also deleted another post.'),
      )
      await expectation(
        'delete-200',
        [
          'Which status says that the request succeeded and that there is nothing to send?',
          '204 means *no content*. It has no body.',
          '`return reply.code(204).send()`',
        ],
        () => {
          assert.equal(status, 204, 'A DELETE must return 204.')
          assert.equal(text, '', 'A 204 response must not have a body.')
        },
      )
      await expectMissing('DELETE', `/posts/${id}`)
    },
  )

  await check(
    'body-unchecked',
    'a path or body that does not match its schema is rejected and changes nothing',
    [
      'Which of your routes have a schema for the body?',
      'Add the schema `PostIn` to POST and to PUT. Fastify then rejects a body without a title.',
      "`app.put('/:id', { schema: { params: PostPath, body: PostIn } }, …)`",
    ],
    async () => {
      const id = await createPost(TOMATOES)
      const before = await knex('posts').orderBy('id')
      for (const path of ['/posts/seven', '/posts/99999999999'])
        for (const [method, body] of [['GET'], ['PUT', RADISHES], ['DELETE']] as const) {
          const { status, shown } = await ask(method, path, body)
          await expectation('id-unchecked', NOT_CHECKED, () =>
            assert.ok(isRejected(status), `${method} ${path} must be rejected with 400 or 404. ${shown}`),
          )
        }
      for (const [method, path] of [
        ['POST', '/posts'],
        ['PUT', `/posts/${id}`],
      ] as const)
        for (const body of [
          { content: 'No title' },
          { title: '', content: '' },
          { title: {}, content: '' },
        ]) {
          const { status, shown } = await ask(method, path, body)
          assert.ok(
            status === 400 || status === 422,
            `${method} ${path} with the body ${JSON.stringify(body)} must be rejected with 400. ${shown}`,
          )
        }
      assert.deepEqual(await knex('posts').orderBy('id'), before, 'A rejected request changed the table.')
    },
  )
})

// biome-ignore lint/suspicious/noExplicitAny: the response of an attempt can be anything
function parse(text: string): any {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
