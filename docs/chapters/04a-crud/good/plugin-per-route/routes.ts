import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { PostsOptions } from '../../app.ts'
import { PostIn, PostPath } from './posts.ts'

const NOT_FOUND = { detail: 'There is no such post' }

export const listPosts: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/', async (request, reply) => reply.send(await request.db('posts').select().orderBy('created_at')))
}

export const createPost: FastifyPluginAsyncTypebox<PostsOptions> = async (app, { ownerId }) => {
  app.route({
    method: 'POST',
    url: '/',
    schema: { body: PostIn },
    handler: async ({ body, db }, reply) => {
      const [post] = await db('posts')
        .insert({ ...body, owner_id: ownerId })
        .returning('*')
      reply.status(201)
      return post
    },
  })
}

export const readPost: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/:id', { schema: { params: PostPath } }, async (request, reply) => {
    const post = await request.db('posts').where({ id: request.params.id }).first()
    return reply.status(post ? 200 : 404).send(post ?? NOT_FOUND)
  })
}

export const updatePost: FastifyPluginAsyncTypebox = async (app) => {
  app.put('/:id', { schema: { params: PostPath, body: PostIn } }, async (request, reply) => {
    const [post] = await request
      .db('posts')
      .where({ id: request.params.id })
      .update(request.body)
      .returning('*')
    return reply.status(post ? 200 : 404).send(post ?? NOT_FOUND)
  })
}

export const deletePost: FastifyPluginAsyncTypebox = async (app) => {
  app.delete('/:id', { schema: { params: PostPath } }, async (request, reply) => {
    const [post] = await request.db('posts').where({ id: request.params.id }).del().returning('id')
    return reply.status(post ? 204 : 404).send(post ? undefined : NOT_FOUND)
  })
}
