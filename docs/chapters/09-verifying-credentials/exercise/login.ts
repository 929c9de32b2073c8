import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { LoginOptions } from '../app.ts'

const Credentials = Type.Object({
  username: Type.String({ description: 'The e-mail.' }),
  password: Type.String(),
})

export const login: FastifyPluginAsyncTypebox<LoginOptions> = async (app, { db, hasher, issueToken }) => {
  // Yours to say: Swagger UI sends a form, and Fastify reads JSON alone unless told.

  app.post('/login', { schema: { body: Credentials } }, async (request, reply) => {
    const { username } = request.body
    // Yours to write: read the user, compare the password, and answer with a token.
    app.log.debug({ db: db.name, waiting: hasher.stats.waiting, tokens: typeof issueToken })
    return reply.code(403).send({ detail: `Nobody logs ${username} in yet` })
  })
}
