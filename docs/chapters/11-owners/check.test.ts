import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chapter, type Hints } from '../../check/chapter.ts'
import { buildApp } from '../app/app.ts'

const ADA = 1
const BOB = 2
const EDIT = { title: 'Edited', content: 'Other words.' }

const HINTS = {
  anonymous: [
    'Send a POST without a token. Who owns the new post?',
    'Every route here needs to know who the caller is. One hook for the whole plugin can reject requests without a valid token.',
    "`app.addHook('onRequest', app.authenticate)`, as the first line of the plugin.",
  ],
  noReason: [
    'Bob may see the post but may not change it. Which status says that?',
    'If the UPDATE changed nothing, check whether the caller may see the post. If so, reply with 403. Otherwise, reply with 404.',
    "`return seen ? reply.code(403).send({ detail: 'Only its owner may change a post' }) : reply.code(404).send(…)`",
  ],
  notEvenTheOwner: [
    'Ada edits her own post. Which line of your code rejects or loses her edit?',
    '`app.callerId(request)` is a number, and so is `owner_id`. An UPDATE returns rows only with `returning`.',
    "`const [post] = await request.db('posts').where({ id, owner_id: app.callerId(request) }).update(…).returning('*')`",
  ],
  notFoundForbidden: [
    'There are two cases in which an UPDATE changes no row. What are they?',
    'Someone else owns the post, or the post doesn’t exist. Tell the two cases apart before you choose the status.',
    '`const seen = await visibleTo(caller, request.db).where({ id }).first()`, then reply with 403 if it finds a post, and with 404 otherwise.',
  ],
  hidesTooMuch: [
    'Who may see a draft? Who may see a published post? Does your WHERE allow both?',
    'Callers may see a post if it’s published or if it’s their own. Either condition is enough.',
    '`.where((post) => post.where({ published: true }).orWhere({ owner_id: caller }))`',
  ],
  draftIsReadable: [
    'As Bob, request one of Ada’s drafts with GET. What does your route check besides the ID?',
    'The GET route needs the same condition as the edit: the post is published, or the caller owns it.',
    '`visibleTo(app.callerId(request), request.db).where({ id }).first()`, and a 404 if that finds nothing.',
  ],
} as const satisfies Record<string, Hints>

await chapter(import.meta.url, async ({ load, database, check, expectation, atEnd }) => {
  const { posts } = await load<typeof import('./solution/posts.ts')>('posts.ts', 'posts')
  const { url, knex } = await database({ tables: 'posts' })
  const app = await buildApp({ databaseUrl: url, secret: randomBytes(32).toString('base64url') }, posts)
  atEnd(() => app.close())
  await knex('users').insert(
    ['ada', 'bob'].map((name) => ({ email: `${name}@example.com`, password: 'no hash' })),
  )

  const ask = (user: number, method: 'GET' | 'POST' | 'PUT', path: string, body?: object) =>
    app.inject({
      method,
      url: path,
      headers: { authorization: `Bearer ${app.issueToken({ id: user })}` },
      ...(body && { body }),
    })
  const adasPost = async (published = true): Promise<{ id: number; title: string }> => {
    const row = { title: 'Tomatoes', content: 'They grow.', published, owner_id: ADA }
    const [post] = await knex('posts').insert(row).returning('*')
    return post
  }
  const readTitle = async (id: number): Promise<string> => (await knex('posts').where({ id }).first()).title

  await check(
    'owner-from-body',
    'a new post belongs to the user in the token, whatever the body says',
    [
      'What decides who owns the new post: the token or the body?',
      'Name the properties that you insert, and take `owner_id` only from the token.',
      '`const row = { title, content, published, owner_id: app.callerId(request) }`',
    ],
    async () => {
      const anonymous = await app.inject({ method: 'POST', url: '/posts', body: EDIT })
      await expectation('anonymous', HINTS.anonymous, () =>
        assert.equal(anonymous.statusCode, 401, 'A POST without a token returned an unexpected status.'),
      )
      const response = await ask(BOB, 'POST', '/posts', { ...EDIT, owner_id: ADA })
      if (response.statusCode === 400 || response.statusCode === 422) {
        // The schema rejects what it does not name, which is as safe.
        const own = await ask(BOB, 'POST', '/posts', EDIT)
        assert.equal(own.statusCode, 201, 'A POST returned an unexpected status.')
        const stored = await knex('posts').where({ id: own.json().id }).first()
        return assert.equal(
          stored?.owner_id,
          BOB,
          'Bob created the post, but its `owner_id` is someone else’s.',
        )
      }
      assert.equal(
        response.statusCode,
        201,
        'A POST with an `owner_id` in its body returned an unexpected status.',
      )
      const post = await knex('posts').where({ id: response.json().id }).first()
      assert.equal(post?.owner_id, BOB, 'Bob created the post, but its `owner_id` is someone else’s.')
    },
  )

  await check(
    'anybody',
    "editing someone else's post returns a 403 and changes nothing, and editing your own returns a 200",
    [
      'Bob (user 2) edits a post that belongs to Ada (user 1). Where does your code check the owner?',
      'Make the UPDATE match only the caller’s own posts. If it changes no row, reply with 403, or with 404 if the post doesn’t exist.',
      '`.where({ id, owner_id: app.callerId(request) }).update(…).returning("*")`. Only then check whether the post exists.',
    ],
    async () => {
      const { id, title } = await adasPost()
      const bobs = await ask(BOB, 'PUT', `/posts/${id}`, EDIT)
      assert.equal(await readTitle(id), title, 'Bob changed Ada’s post.')
      await expectation('no-reason', HINTS.noReason, () =>
        assert.equal(bobs.statusCode, 403, 'Bob’s edit of Ada’s post returned an unexpected status.'),
      )
      const adas = await ask(ADA, 'PUT', `/posts/${id}`, EDIT)
      await expectation('not-even-the-owner', HINTS.notEvenTheOwner, async () => {
        assert.equal(adas.statusCode, 200, 'Ada’s edit of her own post returned an unexpected status.')
        assert.equal(await readTitle(id), EDIT.title, 'Ada’s edit was not stored.')
      })
      const nobodys = await ask(ADA, 'PUT', `/posts/${id + 1000}`, EDIT)
      await expectation('not-found-forbidden', HINTS.notFoundForbidden, () =>
        assert.equal(nobodys.statusCode, 404, 'An edit of a nonexistent post returned an unexpected status.'),
      )
    },
  )

  await check(
    'look-then-write',
    'a user who has just lost ownership of a post cannot edit it anymore',
    [
      'The check transfers the post from Ada to Bob after your first SELECT and before your UPDATE. Which statement checks the owner?',
      'By the time you act on the result of a SELECT, it may be out of date. Check the owner in the UPDATE itself: if Postgres has to wait for a row, it checks the WHERE again afterward.',
      '`.where({ id, owner_id: app.callerId(request) }).update(…)`, without an `if` before it that checks the owner.',
    ],
    async () => {
      const { id, title } = await adasPost()
      const handOver = await knex.transaction()
      try {
        await handOver('posts').where({ id }).update({ owner_id: BOB })
        let hasResponse = false
        const sending = ask(ADA, 'PUT', `/posts/${id}`, EDIT).finally(() => {
          hasResponse = true
        })
        while (!hasResponse && (await waiting()) === 0);
        await handOver.commit()
        const { statusCode } = await sending
        assert.equal(await readTitle(id), title, 'Ada’s edit changed a post that already belonged to Bob.')
        assert.ok(statusCode >= 400, `Ada’s edit was not stored, but it returned the status ${statusCode}.`)
      } finally {
        if (!handOver.isCompleted()) await handOver.rollback()
      }
    },
  )

  await check(
    'tells-of-drafts',
    'other users who read or edit a draft get a 404, as if it did not exist',
    [
      'As Bob, request one of Ada’s drafts, and then a post that doesn’t exist. Can Bob tell the two apart?',
      'A user who may not see a post must not learn that it exists. Add `published or owner_id = caller` to each SELECT, including the one that runs after a rejected edit.',
      '`db("posts").where((post) => post.where({ published: true }).orWhere({ owner_id: caller })).where({ id }).first()`, and a 404 if that finds nothing.',
    ],
    async () => {
      const draft = await adasPost(false)
      await expectation('hides-too-much', HINTS.hidesTooMuch, async () => {
        const own = await ask(ADA, 'GET', `/posts/${draft.id}`)
        assert.equal(own.statusCode, 200, 'Ada must be able to read her own draft.')
        const published = await adasPost()
        const others = await ask(BOB, 'GET', `/posts/${published.id}`)
        assert.equal(others.statusCode, 200, 'Bob must be able to read Ada’s published post.')
      })
      await expectation('draft-is-readable', HINTS.draftIsReadable, async () => {
        const { body } = await ask(BOB, 'GET', `/posts/${draft.id}`)
        assert.ok(!body.includes('They grow.'), 'Bob can read Ada’s draft.')
      })
      for (const [method, body] of [['GET'], ['PUT', EDIT]] as const) {
        const askAsBob = async (id: number) => {
          const { statusCode, body: text } = await ask(BOB, method, `/posts/${id}`, body)
          return { statusCode, body: text.replaceAll(new RegExp(`\\b${id}\\b`, 'g'), 'ID') }
        }
        const [drafts, nobodys] = [await askAsBob(draft.id), await askAsBob(draft.id + 1000)]
        assert.equal(
          drafts.statusCode,
          404,
          `Bob’s ${method} request for Ada’s draft returned an unexpected status.`,
        )
        assert.deepEqual(
          drafts,
          nobodys,
          `${method}: the response for a draft differs from the response for a nonexistent post.`,
        )
      }
      assert.equal(
        await readTitle(draft.id),
        draft.title,
        'Bob got a 404, but his request changed Ada’s draft.',
      )
      await expectation('hides-too-much', HINTS.hidesTooMuch, async () => {
        const { statusCode } = await ask(ADA, 'PUT', `/posts/${draft.id}`, EDIT)
        assert.equal(statusCode, 200, 'Ada must be able to edit her own draft.')
      })
    },
  )

  /** Returns the number of database sessions that wait for a lock. */
  async function waiting(): Promise<number> {
    const { rows } = await knex.raw(
      `select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows[0].waiting
  }
})
