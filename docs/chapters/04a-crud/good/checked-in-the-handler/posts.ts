import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { PostsOptions } from '../../app.ts'

/** The body of a POST and a PUT. */
const PostIn = Type.Object(
  {
    title: Type.String({ minLength: 1 }),
    content: Type.String(),
    published: Type.Boolean({ default: true }),
  },
  { additionalProperties: false },
)

/** The path of one post. The handler checks the text. */
const PostPath = Type.Object({ id: Type.String() })

/** Returns the number in a path, or undefined if Postgres has no such `integer`. */
function readId(text: string): number | undefined {
  const id = Number(text)
  return /^\d{1,10}$/.test(text) && id <= 2_147_483_647 ? id : undefined
}

/** Checks the ID by hand: a malformed one is a 404, too. */
export const posts: FastifyPluginAsyncTypebox<PostsOptions> = async (app, { ownerId }) => {
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ detail: 'Not found' }))

  app.get('/', async ({ db }) => db('posts').orderBy('id'))

  app.post('/', { schema: { body: PostIn } }, async ({ body, db }, reply) => {
    const inserted = await db('posts')
      .insert({ ...body, owner_id: ownerId })
      .returning('id')
    return reply.code(201).send(await db('posts').where({ id: inserted[0].id }).first())
  })

  app.get('/:id', { schema: { params: PostPath } }, async ({ params, db }, reply) => {
    const id = readId(params.id)
    const post = id && (await db('posts').where({ id }).first())
    if (!post) return reply.callNotFound()
    return post
  })

  app.put('/:id', { schema: { params: PostPath, body: PostIn } }, async ({ params, body, db }, reply) => {
    const id = readId(params.id)
    const changed = id && (await db('posts').where({ id }).update(body))
    if (!changed) return reply.callNotFound()
    return db('posts').where({ id }).first()
  })

  app.delete('/:id', { schema: { params: PostPath } }, async ({ params, db }, reply) => {
    const id = readId(params.id)
    if (!id || !(await db('posts').where({ id }).del())) return reply.callNotFound()
    return reply.code(204).send()
  })
}
