import { randomBytes } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import bcrypt from 'bcrypt'
import type { LoginOptions } from '../../app.ts'

const FORM = 'application/x-www-form-urlencoded'
const Credentials = Type.Object({
  username: Type.String({ description: 'The email.' }),
  password: Type.String(),
})

/** With the package bcrypt, and a hash that no password matches for users who do not exist. */
export const login: FastifyPluginAsyncTypebox<LoginOptions> = async (app, { hasher }) => {
  const dummy = hasher.hash(randomBytes(32).toString('base64'))

  app.addContentTypeParser(FORM, { parseAs: 'string' }, async (_request: unknown, body: string) =>
    Object.fromEntries(new URLSearchParams(body)),
  )

  app.post('/login', { schema: { consumes: [FORM], body: Credentials } }, async (request, reply) => {
    const { username, password } = request.body
    const user = await request.db('users').where('email', username).first()
    const isRight = await bcrypt.compare(password, user ? user.password : await dummy)
    if (!user || !isRight) return reply.code(401).send({ detail: 'Invalid Credentials' })
    return { access_token: app.issueToken(user), token_type: 'bearer' }
  })
}
