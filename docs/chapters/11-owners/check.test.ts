import assert from 'node:assert/strict'
import type { FastifyInstance } from 'fastify'
import { chapter } from '../../check/chapter.ts'
import { buildApp, tokenOf } from './app.ts'

const ADA = 1
const BOB = 2
const EDIT = { title: 'Edited', content: 'Other words.' }

await chapter(import.meta.url, async ({ load, database, claim, atEnd }) => {
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

  await claim(
    'owner-from-body',
    'a new post belongs to whom the token names, whatever the body says',
    [
      'Who decides whose post it is: the token, or the body?',
      'Name the members that you insert, and take `owner_id` from the token alone.',
      '`const row = { title, content, published, owner_id: callerOf(request) }`',
    ],
    async () => {
      const answer = await ask(BOB, 'POST', '/posts', { ...EDIT, owner_id: ADA })
      assert.equal(answer.statusCode, 201, 'A post with `owner_id` in its body is stored like any other.')
      const post = await knex('posts').where({ id: answer.json().id }).first()
      assert.equal(post?.owner_id, BOB, 'Bob wrote it, and this is its owner’s id.')
    },
  )

  await claim(
    'anybody',
    'another’s edit is a 403 and changes nothing, the owner’s is a 200',
    [
      'Bob (2) edits a post of Ada (1). Where does your code ask who owns it?',
      'Have the UPDATE find only a post of the caller. Where it finds none, say why: 403, or 404 if there is no such post.',
      '`.where({ id, owner_id: callerOf(request) }).update(…).returning("*")`, and then look whether the post is there.',
    ],
    async () => {
      const { id, title } = await adasPost()
      const bobs = await ask(BOB, 'PUT', `/posts/${id}`, EDIT)
      assert.equal(await titleOf(id), title, 'Bob has changed Ada’s post.')
      assert.equal(bobs.statusCode, 403, 'Bob’s edit of Ada’s post is answered so.')
      const adas = await ask(ADA, 'PUT', `/posts/${id}`, EDIT)
      assert.equal(adas.statusCode, 200, 'Ada’s edit of her own post is answered so.')
      assert.equal(await titleOf(id), EDIT.title, 'Ada’s edit is to be stored.')
      const nobodys = await ask(ADA, 'PUT', `/posts/${id + 1000}`, EDIT)
      assert.equal(nobodys.statusCode, 404, 'An edit of a post that is not there is answered so.')
    },
  )

  await claim(
    'look-then-write',
    'who is no longer the owner when it is written cannot write',
    [
      'The check hands the post over from Ada to Bob after your first look at it, and before your UPDATE is done. Which statement asks for the owner?',
      'A SELECT tells what was. Ask in the UPDATE itself: Postgres looks again at a row that it had to wait for.',
      '`.where({ id, owner_id: callerOf(request) }).update(…)`, with no `if` before it that decides.',
    ],
    async () => {
      const { id, title } = await adasPost()
      const handOver = await knex.transaction()
      try {
        await handOver('posts').where({ id }).update({ owner_id: BOB })
        let isAnswered = false
        const answering = ask(ADA, 'PUT', `/posts/${id}`, EDIT).finally(() => {
          isAnswered = true
        })
        while (!isAnswered && (await waiting()) === 0);
        await handOver.commit()
        const { statusCode } = await answering
        assert.equal(await titleOf(id), title, 'Ada’s edit was written to a post that was Bob’s by then.')
        assert.ok(statusCode >= 400, `Ada’s edit was not written, and answered with ${statusCode}.`)
      } finally {
        if (!handOver.isCompleted()) await handOver.rollback()
      }
    },
  )

  await claim(
    'tells-of-drafts',
    'a draft is a 404 to others, to read and to edit, just as if it were not there',
    [
      'Ask as Bob for a draft of Ada, and for a post that does not exist. Can Bob tell the two apart?',
      'Whoever may not see a post may not learn that it is there. Ask `published or owner_id = caller` in each SELECT, also in the one that says why an edit was refused.',
      '`db("posts").where((post) => post.where({ published: true }).orWhere({ owner_id: caller })).where({ id }).first()`, and 404 where that is empty.',
    ],
    async () => {
      const draft = await adasPost(false)
      assert.equal((await ask(ADA, 'GET', `/posts/${draft.id}`)).statusCode, 200, 'Ada reads her own draft.')
      const published = await adasPost()
      assert.equal(
        (await ask(BOB, 'GET', `/posts/${published.id}`)).statusCode,
        200,
        'Bob reads what Ada has published.',
      )
      for (const [method, body] of [['GET'], ['PUT', EDIT]] as const) {
        const of = async (id: number) => {
          const { statusCode, body: text } = await ask(BOB, method, `/posts/${id}`, body)
          return { statusCode, body: text.replaceAll(String(id), 'ID') }
        }
        const [drafts, nobodys] = [await of(draft.id), await of(draft.id + 1000)]
        assert.equal(drafts.statusCode, 404, `Bob’s ${method} of Ada’s draft is answered so.`)
        assert.deepEqual(drafts, nobodys, `${method}: a draft, and a post that is not there.`)
      }
      assert.equal(await titleOf(draft.id), draft.title, 'Bob was told 404, and has changed Ada’s draft.')
      assert.equal(
        (await ask(ADA, 'PUT', `/posts/${draft.id}`, EDIT)).statusCode,
        200,
        'Ada edits her draft.',
      )
    },
  )

  /** How many sessions of this database wait for another's lock. */
  async function waiting(): Promise<number> {
    const { rows } = await knex.raw(
      `select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows[0].waiting
  }
})
