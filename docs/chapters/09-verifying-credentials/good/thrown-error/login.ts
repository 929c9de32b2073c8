import type { Hasher } from '@auth-primer/auth-hash'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import type { Knex } from 'knex'
import type { LoginOptions } from '../../app.ts'

const FORM = 'application/x-www-form-urlencoded'
const Credentials = Type.Object({
  username: Type.String({ description: 'The email.' }),
  password: Type.String(),
})

/** A function that returns the user or throws, as the helpers of the course do. */
async function authenticateUser(
  db: Knex,
  hasher: Hasher,
  { username, password }: Static<typeof Credentials>,
) {
  const user = await db('users').where({ email: username }).first()
  const { ok } = await hasher.verify({ password, hash: user?.password })
  if (!ok) throw Object.assign(new Error('Invalid Credentials'), { statusCode: 403 })
  return user
}

export const login: FastifyPluginAsyncTypebox<LoginOptions> = async (app, { hasher }) => {
  app.addContentTypeParser(FORM, { parseAs: 'string' }, async (_request: unknown, body: string) =>
    Object.fromEntries(new URLSearchParams(body)),
  )

  app.post('/login', { schema: { consumes: [FORM], body: Credentials } }, async (request, reply) => {
    const user = await authenticateUser(request.db, hasher, request.body)
    return reply.send({ access_token: app.issueToken(user), token_type: 'Bearer' })
  })
}
