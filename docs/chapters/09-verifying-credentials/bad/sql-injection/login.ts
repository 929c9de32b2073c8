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
    // The mistake: the username becomes a part of the SQL, and can select another user.
    const { rows } = await request.db.query(`SELECT id, password FROM users WHERE email = '${username}'`)
    const [user] = rows
    const { ok } = await hasher.verify({ password, hash: user?.password })
    if (!ok) return reply.code(400).send({ error: 'invalid_grant' })
    return { access_token: app.issueToken(user), token_type: 'bearer' }
  })
}
