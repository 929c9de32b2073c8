import fastifyPlugin from 'fastify-plugin'
import { posts } from '../../11-owners/solution/posts.ts'
import { type AppOptions, buildApp } from '../../app/app.ts'
import { list, remove } from '../app.ts'

/** The bug: PUT replies with the new post, but does not store it. */
const edit = fastifyPlugin(async (app) => {
  app.addHook('preHandler', async (request, reply) => {
    if (request.method !== 'PUT') return
    const { params, body } = request as { params: { id: number }; body: object }
    const post = await request.db('posts').where({ id: params.id }).first()
    // The routes of chapter 11 reply to everyone but the owner.
    if (post?.owner_id === app.callerId(request)) return reply.send({ ...post, ...body })
  })
})

export const build = (options: AppOptions) => buildApp(options, edit, posts, list, remove)
