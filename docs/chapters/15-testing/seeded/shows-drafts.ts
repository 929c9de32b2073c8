import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { posts } from '../../11-owners/solution/posts.ts'
import { type AppOptions, buildApp } from '../../app/app.ts'
import { remove } from '../app.ts'

/** The bug: GET lists all drafts, too. */
const list: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/posts', { onRequest: app.authenticate }, async ({ db }) => db('posts').orderBy('id'))
}

export const build = (options: AppOptions) => buildApp(options, posts, list, remove)
