import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { LoginOptions } from '../../app.ts'

const FORM = 'application/x-www-form-urlencoded'
const Credentials = Type.Object({
  username: Type.String({ description: 'The email.' }),
  password: Type.String(),
})

export const login: FastifyPluginAsyncTypebox<LoginOptions> = async (app, { hasher }) => {
  app.addContentTypeParser(FORM, { parseAs: 'string' }, async (_request: unknown, body: string) =>
    Object.fromEntries(new URLSearchParams(body)),
  )

  app.post('/login', { schema: { consumes: [FORM], body: Credentials } }, async (request, reply) => {
    const { username, password } = request.body
    const user = await request.db('users').where({ email: username }).first()
    const { ok } = await hasher.verify({ password, hash: user?.password })
    // The mistake: the status is the same, but the words reveal the difference.
    const detail = user ? 'Wrong password' : 'Unknown user'
    if (!ok) return reply.code(403).send({ detail })
    return { access_token: app.issueToken(user), token_type: 'bearer' }
  })
}
