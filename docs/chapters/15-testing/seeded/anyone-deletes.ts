import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { posts } from '../../11-owners/solution/posts.ts'
import { type AppOptions, buildApp } from '../../app/app.ts'
import { list } from '../app.ts'

const PostId = Type.Object({ id: Type.Integer() })

/** The bug: DELETE does not check the owner. */
const remove: FastifyPluginAsyncTypebox = async (app) => {
  const options = { onRequest: app.authenticate, schema: { params: PostId } }
  app.delete('/posts/:id', options, async (request, reply) => {
    const deleted = await request.db('posts').where(request.params).delete()
    return reply.code(deleted === 1 ? 204 : 404).send()
  })
}

export const build = (options: AppOptions) => buildApp(options, posts, list, remove)
