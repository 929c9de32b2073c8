import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { LoginOptions } from '../../app.ts'

const Credentials = Type.Object({
  username: Type.String({ description: 'The email.' }),
  password: Type.String(),
})

export const login: FastifyPluginAsyncTypebox<LoginOptions> = async (app, { hasher }) => {
  // The mistake: OAuth 2 sends a form. Swagger UI and other standard clients get a 415.
  app.post('/login', { schema: { body: Credentials } }, async (request, reply) => {
    const { username, password } = request.body
    const user = await request.db('users').where({ email: username }).first()
    const { ok } = await hasher.verify({ password, hash: user?.password })
    if (!ok) return reply.code(403).send({ detail: 'Invalid Credentials' })
    return { access_token: app.issueToken(user), token_type: 'bearer' }
  })
}
