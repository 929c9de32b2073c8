import { parse } from 'node:querystring'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { LoginOptions } from '../../app.ts'

const Credentials = Type.Object({
  username: Type.Optional(Type.String()),
  email: Type.Optional(Type.String()),
  password: Type.String(),
})

/** Accepts a form or JSON, with a callback instead of a promise in the parser. */
export const login: FastifyPluginAsyncTypebox<LoginOptions> = async (app, { hasher }) => {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    (_request: unknown, body: Buffer, done: (error: null, body: unknown) => void) =>
      done(null, { ...parse(body.toString()) }),
  )

  app.post('/login', { schema: { body: Credentials } }, async (request, reply) => {
    const { email, username = email, password } = request.body
    const user = await request
      .db('users')
      .where({ email: username ?? '' })
      .first('id', 'password')
    const { ok } = await hasher.verify({ password, hash: user ? user.password : null })
    if (ok) return reply.send({ access_token: app.issueToken(user), token_type: 'bearer', expires_in: 1800 })
    return reply.status(403).send({ detail: 'Invalid Credentials' })
  })
}
