import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { POST_BODY_LIMIT } from '../limits.ts'
import { Post } from '../models/post.ts'
import { noPost, refusedWrite } from '../post-problems.ts'
import { IdParams } from '../schemas/common.ts'
import { CreatedPost, PostIn, PostList, PostOut, PostQuery, ReplacedPost } from '../schemas/post.ts'
import { BODY, PATH, problems, TOKEN, WRITE } from '../schemas/problem.ts'

const posts: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/posts',
    {
      onRequest: app.authenticate,
      config: { db: { mode: 'read' } },
      schema: {
        operationId: 'listPosts',
        tags: ['Posts'],
        summary: 'The posts, oldest first',
        description:
          'A page of what you may see: every published post, and all of your own. `limit` and `skip` turn the pages, `search` looks into the titles.',
        security: [{ login: [] }],
        querystring: PostQuery,
        response: {
          200: PostList,
          ...problems(...TOKEN),
        },
      },
    },
    async (request) => {
      const { caller, db } = request
      return Post.page(db, caller, request.query)
    },
  )

  app.post(
    '/posts',
    {
      onRequest: app.authenticate,
      bodyLimit: POST_BODY_LIMIT,
      schema: {
        operationId: 'createPost',
        tags: ['Posts'],
        summary: 'Write a post',
        description: 'The post is yours: the token says who you are, and the body cannot say otherwise.',
        security: [{ login: [] }],
        body: PostIn,
        response: { 201: CreatedPost, ...problems(...TOKEN, ...BODY, ...WRITE) },
      },
    },
    async (request, reply) => {
      const { title, content, published } = request.body
      const { id, email, created_at } = request.caller
      const post = await Post.create(request.db, { title, content, published, owner_id: id })
      return reply
        .code(201)
        .header('location', `/posts/${post.id}`)
        .send({ ...post, owner: { id, email, created_at } })
    },
  )

  app.get(
    '/posts/:id',
    {
      onRequest: app.authenticate,
      config: { db: { mode: 'read' } },
      schema: {
        operationId: 'getPost',
        tags: ['Posts'],
        summary: 'One post',
        description: 'A post that is not published is its owner’s alone: to everybody else it is not there.',
        security: [{ login: [] }],
        params: IdParams,
        response: { 200: PostOut, ...problems(...TOKEN, ...PATH, 'NOT_FOUND') },
      },
    },
    async (request) => {
      const { caller, db } = request
      const { id } = request.params
      const post = await Post.findWithVotes(db, caller, id)
      if (post === undefined) throw noPost(id)
      return post
    },
  )

  app.put(
    '/posts/:id',
    {
      onRequest: app.authenticate,
      bodyLimit: POST_BODY_LIMIT,
      schema: {
        operationId: 'replacePost',
        tags: ['Posts'],
        summary: 'Edit a post of your own',
        description:
          'Replaces all that the body names; `published` is true where it is left out. An admin may edit any published post.',
        security: [{ login: [] }],
        params: IdParams,
        body: PostIn,
        response: {
          200: ReplacedPost,
          ...problems(...TOKEN, ...PATH, ...BODY, ...WRITE, 'NOT_OWNER', 'NOT_FOUND'),
        },
      },
    },
    async (request) => {
      const { caller, db } = request
      const { id } = request.params
      const { title, content, published } = request.body
      const [post] = await Post.writableBy(caller, db)
        .where('id', id)
        .patch({ title, content, published })
        .returning('*')
      if (post === undefined) throw await refusedWrite(caller, db, id)
      return post.$fetchGraph('owner', { transaction: db })
    },
  )

  app.delete(
    '/posts/:id',
    {
      onRequest: app.authenticate,
      schema: {
        operationId: 'deletePost',
        tags: ['Posts'],
        summary: 'Delete a post of your own',
        description:
          'Its votes go with it, and there is no way back. An admin may delete any published post.',
        security: [{ login: [] }],
        params: IdParams,
        response: {
          204: Type.Null({ description: 'Deleted.' }),
          ...problems(...TOKEN, ...PATH, ...BODY, ...WRITE, 'NOT_OWNER', 'NOT_FOUND'),
        },
      },
    },
    async (request, reply) => {
      const { caller, db } = request
      const { id } = request.params
      const count = await Post.writableBy(caller, db).where('id', id).delete()
      if (count === 0) throw await refusedWrite(caller, db, id)
      return reply.code(204).send(null)
    },
  )
}

export default posts
