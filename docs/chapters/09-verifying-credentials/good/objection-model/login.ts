import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Model } from 'objection'
import type { LoginOptions } from '../../app.ts'

const FORM = 'application/x-www-form-urlencoded'
const Credentials = Type.Object({
  username: Type.String({ description: 'The email.' }),
  password: Type.String(),
})

class User extends Model {
  static override tableName = 'users'

  declare id: number
  declare email: string
  declare password: string
}

/** Through a model, as in chapter 02. */
export const login: FastifyPluginAsyncTypebox<LoginOptions> = async (app, { hasher }) => {
  app.addContentTypeParser(FORM, { parseAs: 'string' }, async (_request: unknown, body: string) =>
    Object.fromEntries(new URLSearchParams(body)),
  )

  app.post('/login', { schema: { consumes: [FORM], body: Credentials } }, async (request, reply) => {
    const { username, password } = request.body
    const user = await User.query(request.db).findOne({ email: username })
    const verdict = await hasher.verify({ password, hash: user?.password })
    if (user === undefined || !verdict.ok) return reply.code(403).send({ detail: 'Invalid Credentials' })
    return { access_token: app.issueToken(user), token_type: 'bearer' }
  })
}
