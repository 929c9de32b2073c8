import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { signUp } from '../../05-creating-users/solution/sign-up.ts'

const UserIn = Type.Object(
  { email: Type.String({ format: 'email' }), password: Type.String({ minLength: 8 }) },
  { additionalProperties: false },
)

/** The sign-up of chapter 05 as a route. */
export const users: FastifyPluginAsyncTypebox = async (app) => {
  app.post('/users', { schema: { body: UserIn } }, async ({ body, db }, reply) =>
    reply.code(201).send(await signUp(db, body.email, body.password)),
  )
}
