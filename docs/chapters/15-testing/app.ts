import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { posts, visibleTo } from '../11-owners/solution/posts.ts'
import { type AppOptions, buildApp } from '../app/app.ts'

const PostId = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }) })

export const list: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/posts', { onRequest: app.authenticate }, async (request) =>
    visibleTo(app.callerId(request), request.db).orderBy('id'),
  )
}

export const remove: FastifyPluginAsyncTypebox = async (app) => {
  const options = { onRequest: app.authenticate, schema: { params: PostId } }
  app.delete('/posts/:id', options, async (request, reply) => {
    const { id } = request.params
    const caller = app.callerId(request)
    const deleted = await request.db('posts').where({ id, owner_id: caller }).delete()
    if (deleted === 1) return reply.code(204).send()

    const seen = await visibleTo(caller, request.db).where({ id }).first('id')
    return reply.code(seen ? 403 : 404).send()
  })
}

/** Builds the app under test: the routes of chapter 11, a list and a DELETE. */
export const build = (options: AppOptions) => buildApp(options, posts, list, remove)
