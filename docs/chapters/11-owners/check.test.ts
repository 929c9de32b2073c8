import assert from 'node:assert/strict'
import type { FastifyInstance } from 'fastify'
import { chapter } from '../../check/chapter.ts'
import { buildApp, tokenOf } from './app.ts'

const ADA = 1
const BOB = 2
const EDIT = { title: 'Edited', content: 'Other words.' }

await chapter(import.meta.url, async ({ load, database, check, atEnd }) => {
  const { posts } = await load<typeof import('./solution/posts.ts')>('posts.ts')
  const { url, knex } = await database()
  const app: FastifyInstance = await buildApp(url, posts)
  atEnd(() => app.close())

  const ask = (user: number, method: 'GET' | 'POST' | 'PUT', path: string, body?: object) =>
    app.inject({
      method,
      url: path,
      headers: { authorization: `Bearer ${tokenOf(user)}` },
      ...(body && { body }),
    })
  const adasPost = async (published = true): Promise<{ id: number; title: string }> => {
    const row = { title: 'Tomatoes', content: 'They grow.', published, owner_id: ADA }
    const [post] = await knex('posts').insert(row).returning('*')
    return post
  }
  const titleOf = async (id: number): Promise<string> => (await knex('posts').where({ id }).first()).title

  await check(
    'owner-from-body',
    'a new post belongs to the user in the token, whatever the body says',
    [
      'Which decides who owns the new post: the token or the body?',
      'Name the properties that you insert, and take `owner_id` only from the token.',
      '`const row = { title, content, published, owner_id: callerOf(request) }`',
    ],
    async () => {
      const response = await ask(BOB, 'POST', '/posts', { ...EDIT, owner_id: ADA })
      assert.equal(
        response.statusCode,
        201,
        'A POST with an `owner_id` in its body got an unexpected status.',
      )
      const post = await knex('posts').where({ id: response.json().id }).first()
      assert.equal(post?.owner_id, BOB, 'Bob created the post, but its `owner_id` is someone else’s.')
    },
  )

  await check(
    'anybody',
    "editing someone else's post is a 403 and changes nothing, editing one's own is a 200",
    [
      'Bob (2) edits a post of Ada (1). Where does your code check the owner?',
      'Let the UPDATE select only a post of the caller. If it finds none, reply with 403, or with 404 if the post does not exist.',
      '`.where({ id, owner_id: callerOf(request) }).update(…).returning("*")`, and only then look whether the post exists.',
    ],
    async () => {
      const { id, title } = await adasPost()
      const bobs = await ask(BOB, 'PUT', `/posts/${id}`, EDIT)
      assert.equal(await titleOf(id), title, 'Bob changed Ada’s post.')
      assert.equal(bobs.statusCode, 403, 'Bob’s edit of Ada’s post got an unexpected status.')
      const adas = await ask(ADA, 'PUT', `/posts/${id}`, EDIT)
      assert.equal(adas.statusCode, 200, 'Ada’s edit of her own post got an unexpected status.')
      assert.equal(await titleOf(id), EDIT.title, 'Ada’s edit was not stored.')
      const nobodys = await ask(ADA, 'PUT', `/posts/${id + 1000}`, EDIT)
      assert.equal(nobodys.statusCode, 404, 'An edit of a post that does not exist got an unexpected status.')
    },
  )

  await check(
    'look-then-write',
    'a user who has just lost a post cannot edit it any more',
    [
      'The check transfers the post from Ada to Bob after your first SELECT and before your UPDATE. Which statement checks the owner?',
      'A SELECT shows the past. Check the owner in the UPDATE itself: if Postgres had to wait for a row, it checks the WHERE again.',
      '`.where({ id, owner_id: callerOf(request) }).update(…)`, without an `if` before it that decides.',
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
        assert.equal(await titleOf(id), title, 'Ada’s edit changed a post that already belonged to Bob.')
        assert.ok(statusCode >= 400, `Ada’s edit was not stored, but got status ${statusCode}.`)
      } finally {
        if (!handOver.isCompleted()) await handOver.rollback()
      }
    },
  )

  await check(
    'tells-of-drafts',
    'a draft is a 404 to others, for reading and editing, as if it did not exist',
    [
      'Request a draft of Ada as Bob, and then a post that does not exist. Can Bob tell the two apart?',
      'A user who may not see a post must not learn that it exists. Add `published or owner_id = caller` to each SELECT, also to the one that explains a refused edit.',
      '`db("posts").where((post) => post.where({ published: true }).orWhere({ owner_id: caller })).where({ id }).first()`, and 404 if that finds nothing.',
    ],
    async () => {
      const draft = await adasPost(false)
      assert.equal(
        (await ask(ADA, 'GET', `/posts/${draft.id}`)).statusCode,
        200,
        'Ada cannot read her own draft.',
      )
      const published = await adasPost()
      assert.equal(
        (await ask(BOB, 'GET', `/posts/${published.id}`)).statusCode,
        200,
        'Bob cannot read Ada’s published post.',
      )
      for (const [method, body] of [['GET'], ['PUT', EDIT]] as const) {
        const of = async (id: number) => {
          const { statusCode, body: text } = await ask(BOB, method, `/posts/${id}`, body)
          return { statusCode, body: text.replaceAll(String(id), 'ID') }
        }
        const [drafts, nobodys] = [await of(draft.id), await of(draft.id + 1000)]
        assert.equal(drafts.statusCode, 404, `Bob’s ${method} of Ada’s draft got an unexpected status.`)
        assert.deepEqual(
          drafts,
          nobodys,
          `${method}: the responses for a draft and for a post that does not exist differ.`,
        )
      }
      assert.equal(await titleOf(draft.id), draft.title, 'Bob got a 404, but changed Ada’s draft.')
      assert.equal(
        (await ask(ADA, 'PUT', `/posts/${draft.id}`, EDIT)).statusCode,
        200,
        'Ada cannot edit her own draft.',
      )
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
