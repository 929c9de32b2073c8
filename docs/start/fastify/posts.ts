// #region plugin
import type { FastifyPluginAsync } from 'fastify'

export interface PostsOptions {
  readonly titles: string[]
}

export const posts: FastifyPluginAsync<PostsOptions> = async (app, { titles }) => {
  app.get('/', async () => titles)

  app.post<{ Body: { title: string } }>('/', async (request, reply) => {
    titles.push(request.body.title)
    return reply.code(201).send({ title: request.body.title, by: request.visitor })
  })
}
// #endregion
