import type { FastifyPluginAsync } from 'fastify'
import type { PostsOptions } from '../../app.ts'

interface PostIn {
  title: string
  content: string
  published: boolean
}

const body = {
  type: 'object',
  required: ['title', 'content'],
  additionalProperties: false,
  properties: {
    title: { type: 'string', minLength: 1 },
    content: { type: 'string' },
    published: { type: 'boolean', default: true },
  },
}
const params = { type: 'object', properties: { id: { type: 'integer', minimum: 1, maximum: 2_147_483_647 } } }

/** With JSON Schema by hand, and hand-written types. */
export const posts: FastifyPluginAsync<PostsOptions> = async (app, { ownerId }) => {
  app.get('/', async ({ db }) => db('posts').orderBy('id'))

  app.post<{ Body: PostIn }>('/', { schema: { body } }, async (request, reply) => {
    reply.code(201)
    const [post] = await request.db('posts').insert({ ...request.body, owner_id: ownerId }, '*')
    return post
  })

  app.get<{ Params: { id: number } }>('/:id', { schema: { params } }, async (request, reply) => {
    const [post] = await request.db('posts').where('id', request.params.id)
    if (!post) reply.code(404)
    return post ?? { detail: 'Not found' }
  })

  app.put<{ Params: { id: number }; Body: PostIn }>(
    '/:id',
    { schema: { params, body } },
    async (request, reply) => {
      const [post] = await request.db('posts').where('id', request.params.id).update(request.body, '*')
      if (!post) reply.code(404)
      return post ?? { detail: 'Not found' }
    },
  )

  app.delete<{ Params: { id: number } }>('/:id', { schema: { params } }, async (request, reply) => {
    const count = await request.db('posts').where('id', request.params.id).delete()
    return reply.code(count ? 204 : 404).send()
  })
}
